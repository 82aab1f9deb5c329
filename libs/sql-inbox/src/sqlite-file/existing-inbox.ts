import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigurationError } from 'nestjs-runhooks/core';
import type { SqliteConnection } from '../sqlite-connection/sqlite-connection.js';

/** The absolute path of a file, as SQLite names it and its log. SQLite would make one that is missing. */
export function existingFile(option: string, path: string): string {
  const file = resolve(path);
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return realpathSync(file);
  throw new ConfigurationError(option, `there is no file ${file}; expected the path that sqliteInbox was given`);
}

/** Names of the migrations that were done to an inbox. Throws {@link ConfigurationError} if the database is none. */
export function migrationsOf(option: string, connection: SqliteConnection, file: string): string[] {
  const tables = connection.all(`select name from sqlite_master where name = 'runhooks_migrations'`, []);
  if (tables.length === 0) throw new ConfigurationError(option, `${file} is a database, but no inbox`);
  const done = connection.all('select name from runhooks_migrations order by name', []) as { name: string }[];
  return done.map(({ name }) => name);
}
