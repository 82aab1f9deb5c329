import type { StoreFactory } from 'nestjs-runhooks/core';
import { requireKnownOptions, requireOptions } from 'nestjs-runhooks/internal';
import type { SqliteInboxOptions } from './sqlite/sqlite-options.js';
import { SqliteStore } from './sqlite/sqlite-store.js';

export type { SqliteDriver } from './sqlite-connection/sqlite-connection.js';
export type { SqliteInboxOptions } from './sqlite/sqlite-options.js';

const OPTIONS = { path: true, driver: true, fileMode: true } satisfies Record<keyof SqliteInboxOptions, true>;

/**
 * Creates an inbox in one SQLite file, for processes of one host. Acknowledged webhooks survive a power cut.
 *
 * @example
 * WebhooksModule.forRoot({ sources: [...], inbox: sqliteInbox({ path: 'runhooks.db' }) })
 *
 * @throws ConfigurationError if an option is invalid
 */
export function sqliteInbox(options: SqliteInboxOptions): StoreFactory {
  requireOptions(options, 'sqliteInbox', "sqliteInbox({ path: 'runhooks.db' })");
  requireKnownOptions('sqliteInbox', options, OPTIONS);
  return { createStore: (logger) => new SqliteStore(options, logger) };
}
