import type { SqliteDriver } from '../sqlite-connection/sqlite-connection.js';

/** Options for an inbox in an SQLite file. */
export interface SqliteInboxOptions {
  /**
   * Path of the file, which is created if it does not exist, or `:memory:` for tests. Processes of one host can share
   * it.
   */
  readonly path: string;
  /** Driver. @default `node:sqlite` if Node has it (22.13 and newer), otherwise `better-sqlite3` */
  readonly driver?: SqliteDriver;
  /**
   * Mode of new files: `0o600`, `0o640` (the group may read, which is enough to copy the file of a stopped app) or
   * `0o660` (the group may read and write, which every process needs that opens a file in use). Existing files keep
   * their mode.
   * @default 0o600
   */
  readonly fileMode?: number;
}
