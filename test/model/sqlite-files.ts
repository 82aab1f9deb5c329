import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from '@jest/globals';
import type { Logger, Store } from 'nestjs-runhooks/core';
import type { SqliteDriver } from 'nestjs-runhooks/sqlite';
import { connectSqlite } from 'inside/sqlite-connection';
import { SqliteStore } from 'inside/sqlite-store';
import type { NewInbox } from './shared-inbox.js';

export const SILENT: Logger = { debug: () => {}, log: () => {}, warn: () => {}, error: () => {} };

const ALL: readonly SqliteDriver[] = ['node:sqlite', 'better-sqlite3'];

/** Returns why a driver cannot be tested, or undefined if it works. */
async function absenceOf(driver: SqliteDriver): Promise<string | undefined> {
  try {
    (await connectSqlite(':memory:', driver)).close();
    return undefined;
  } catch (error) {
    return String((error as Error).message).split('\n')[0];
  }
}

const absences = new Map(await Promise.all(ALL.map(async (driver) => [driver, await absenceOf(driver)] as const)));

/** Adds the tests of `define` for every driver of this Node; missing drivers are reported as skipped by name. */
export function onEveryDriver(title: string, define: (driver: SqliteDriver) => void): void {
  describe.each(ALL)(`${title}, on %s`, (driver) => {
    const absence = absences.get(driver);
    if (absence === undefined) define(driver);
    else it.skip(`is not tested on this Node: ${absence}`, () => undefined);
  });
}

/**
 * Creates a directory, in memory if the system allows it. These tests crash processes, not machines, so they need no
 * disk.
 */
export function quickDirectory(): string {
  const shared = '/dev/shm';
  return mkdtempSync(join(existsSync(shared) ? shared : tmpdir(), 'runhooks-'));
}

export async function openStore(path: string, driver?: SqliteDriver, connect = connectSqlite): Promise<Store> {
  const store = new SqliteStore({ path, ...(driver && { driver }) }, SILENT, connect);
  await store.open();
  return store;
}

/** Creates new files that several processes can open. */
export async function sharedFiles(driver: SqliteDriver): Promise<{ newInbox: NewInbox; remove(): void }> {
  const directory = quickDirectory();
  const empty = join(directory, 'empty.db');
  await (await openStore(empty, driver)).close();
  let files = 0;
  return {
    newInbox: async () => {
      files += 1;
      const path = join(directory, `${files}.db`);
      copyAsKilled(empty, path);
      return {
        open: () => openStore(path, driver),
        remove: () => ['', '-wal', '-shm'].forEach((suffix) => rmSync(`${path}${suffix}`, { force: true })),
      };
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/**
 * Copies what a killed process leaves behind, which is everything it has passed to the operating system. The next
 * process recreates the `-shm` cache. A write interrupted by the kill is the end of the log.
 */
export function copyAsKilled(from: string, to: string): void {
  copyFileSync(from, to);
  if (existsSync(`${from}-wal`)) copyFileSync(`${from}-wal`, `${to}-wal`);
}
