import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import type { Logger, Store } from 'nestjs-runhooks/core';
import { storeContract } from 'nestjs-runhooks/testing';
import { sqliteInbox, type SqliteDriver } from '../sqlite.js';

const SILENT: Logger = { debug: () => {}, log: () => {}, warn: () => {}, error: () => {} };
const DRIVERS: readonly SqliteDriver[] = ['node:sqlite', 'better-sqlite3'];

async function open(path: string, driver: SqliteDriver): Promise<Store> {
  const store = sqliteInbox({ path, driver }).createStore(SILENT);
  await store.open();
  return store;
}

/** Undefined where the driver works, else why not. */
async function absenceOf(driver: SqliteDriver): Promise<string | undefined> {
  try {
    await (await open(':memory:', driver)).close();
    return undefined;
  } catch (error) {
    return String((error as Error).message).split('\n')[0];
  }
}

const absences = new Map(await Promise.all(DRIVERS.map(async (driver) => [driver, await absenceOf(driver)] as const)));

describe('the SQLite drivers', () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const expected = major > 22 || (major === 22 && minor >= 13) ? 'node:sqlite' : 'better-sqlite3';

  it(`include the default of Node ${process.versions.node}: ${expected}`, () => {
    expect(absences.get(expected)).toBeUndefined();
  });
});

describe.each(DRIVERS)('the store contract on %s', (driver) => {
  const absence = absences.get(driver);
  if (absence !== undefined) {
    it.skip(`is not tested on this Node: ${absence}`, () => undefined);
    return;
  }

  describe('in memory', () => {
    for (const { title, run } of storeContract(() => open(':memory:', driver), {
      releases: true,
      keepsRounds: true,
      keepsResults: true,
      keepsActions: true,
    }))
      it(title, run);
  });

  describe('in a file', () => {
    const directory = mkdtempSync(join(tmpdir(), 'runhooks-store-'));
    const pathOf = new Map<Store, string>();
    let files = 0;

    async function openFile(path: string): Promise<Store> {
      const store = await open(path, driver);
      pathOf.set(store, path);
      return store;
    }

    async function reopen(store: Store): Promise<Store> {
      await store.close();
      return openFile(pathOf.get(store) ?? '');
    }

    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    const create = () => openFile(join(directory, `${(files += 1)}.db`));
    for (const { title, run } of storeContract(create, {
      reopen,
      releases: true,
      keepsRounds: true,
      keepsResults: true,
      keepsActions: true,
    }))
      it(title, run);
  });
});
