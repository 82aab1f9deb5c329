import type { StoreFactory } from 'nestjs-runhooks/core';
import { requireKnownOptions, requireOptions } from 'nestjs-runhooks/internal';
import type { SqliteInboxOptions } from './sqlite/sqlite-options.js';
import { SqliteStore } from './sqlite/sqlite-store.js';

export type { SqliteDriver } from './sqlite-connection/sqlite-connection.js';
export type { SqliteInboxOptions } from './sqlite/sqlite-options.js';

const OPTIONS = { path: true, driver: true, fileMode: true } satisfies Record<keyof SqliteInboxOptions, true>;

/** An inbox in one SQLite file, for one host. Durable: what was acknowledged survives a power cut. */
export function sqliteInbox(options: SqliteInboxOptions): StoreFactory {
  requireOptions(options, 'sqliteInbox', "sqliteInbox({ path: 'runhooks.db' })");
  requireKnownOptions('sqliteInbox', options, OPTIONS);
  return { createStore: (logger) => new SqliteStore(options, logger) };
}
