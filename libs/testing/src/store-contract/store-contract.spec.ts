import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import type { ContractCase } from './contract-case.js';
import { storeContract } from './store-contract.js';

it('runs every case in the folder', async () => {
  const neverOpened = (): never => {
    throw new Error('this test reads only the titles');
  };
  const titles = new Set(
    storeContract(neverOpened, {
      settlesWith: true,
      releases: true,
      keepsRounds: true,
      keepsResults: true,
      keepsActions: true,
    }).map(({ title }) => title),
  );
  let cases = 0;
  for (const name of readdirSync(import.meta.dirname, { encoding: 'utf8', recursive: true })) {
    if (!name.endsWith('.ts') || name.endsWith('.spec.ts')) continue;
    const module = (await import(join(import.meta.dirname, name))) as Record<string, unknown>;
    for (const [, list] of Object.entries(module).filter(
      ([key, value]) => key.endsWith('Cases') && Array.isArray(value),
    )) {
      for (const { title } of list as ContractCase[]) {
        cases += 1;
        expect([name, title, titles.has(title)]).toEqual([name, title, true]);
      }
    }
  }
  expect(cases).toBe(titles.size);
});
