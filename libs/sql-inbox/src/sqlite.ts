import type { StoreFactory } from 'nestjs-runhooks/core';
import type { SqliteDriver } from './sqlite-connection.js';
import { SqliteStore } from './sqlite-store.js';

export type { SqliteDriver } from './sqlite-connection.js';

export interface SqliteInboxOptions {
  /** The file, made if it is not there; `:memory:` for tests. Several processes of one host may share it. */
  readonly path: string;
  /** @default `node:sqlite` where Node has it (22.13 and newer), else `better-sqlite3` */
  readonly driver?: SqliteDriver;
}

/** An inbox in one SQLite file, for one host. Durable: what was acknowledged survives a power cut. */
export function sqliteInbox(options: SqliteInboxOptions): StoreFactory {
  return { createStore: (logger) => new SqliteStore(options, logger) };
}
