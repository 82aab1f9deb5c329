import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { storeContract } from './store-contract.js';
import type { ContractCase } from './store-contract/contract-case.js';

const FOLDER = join(import.meta.dirname, 'store-contract');

it('asks for every case there is', async () => {
  const neverOpened = (): never => {
    throw new Error('only the titles are looked at');
  };
  const titles = new Set(storeContract(neverOpened, { settlesWith: true }).map(({ title }) => title));
  let cases = 0;
  for (const name of readdirSync(FOLDER)) {
    const module = (await import(join(FOLDER, name))) as Record<string, unknown>;
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
