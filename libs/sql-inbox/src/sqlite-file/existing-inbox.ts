import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigurationError } from 'nestjs-runhooks/core';
import type { SqliteConnection } from '../sqlite-connection/sqlite-connection.js';

/**
 * Returns the absolute path of an existing file, as SQLite names it and its log. SQLite would create a missing file.
 */
export function existingFile(option: string, path: string): string {
  const file = resolve(path);
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return realpathSync(file);
  throw new ConfigurationError(option, `the file ${file} does not exist. Pass the \`path\` of sqliteInbox`);
}

/** Returns the names of an inbox's migrations. Throws {@link ConfigurationError} if the database is not an inbox. */
export function migrationsOf(option: string, connection: SqliteConnection, file: string): string[] {
  const tables = connection.all(`select name from sqlite_master where name = 'runhooks_migrations'`, []);
  if (tables.length === 0)
    throw new ConfigurationError(option, `${file} is a database, but not an inbox. Pass the \`path\` of sqliteInbox`);
  const done = connection.all('select name from runhooks_migrations order by name', []) as { name: string }[];
  return done.map(({ name }) => name);
}
