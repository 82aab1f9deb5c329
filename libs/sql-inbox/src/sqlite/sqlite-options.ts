import type { SqliteDriver } from '../sqlite-connection/sqlite-connection.js';

/** Options of an inbox in an SQLite file. Apart from the store, so that the types of the entry point do not need Kysely's. */
export interface SqliteInboxOptions {
  /** The file, made if it is not there; `:memory:` for tests. Several processes of one host may share it. */
  readonly path: string;
  /** @default `node:sqlite` where Node has it (22.13 and newer), else `better-sqlite3` */
  readonly driver?: SqliteDriver;
  /**
   * Mode of the files that are made: `0o600`, `0o640` (a group may read: enough for a copy of a stopped app's file) or
   * `0o660` (a group may read and write, as every process must that opens a file in use). Files that are there keep theirs.
   * @default 0o600
   */
  readonly fileMode?: number;
}
