import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ConfigurationError } from 'nestjs-runhooks/core';
import type BetterSqlite3 from 'better-sqlite3';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';

/** A driver of SQLite: Node's own, or the package `better-sqlite3`. */
export type SqliteDriver = 'node:sqlite' | 'better-sqlite3';

/** One open file. Everything is synchronous; statements are prepared once and kept. */
export interface SqliteConnection {
  readonly driver: SqliteDriver;
  /** Runs one statement and answers its rows, none for a statement that returns none. */
  all(sql: string, parameters: readonly unknown[]): unknown[];
  /** Runs one statement that returns no rows, and answers how many it changed. */
  change(sql: string, parameters: readonly unknown[]): number;
  exec(sql: string): void;
  close(): void;
}

/** SQLite has rolled back by itself after some errors (disk full, I/O), and then says that there is nothing to roll back. */
export function rollBack(connection: SqliteConnection): void {
  try {
    connection.exec('rollback');
  } catch {
    // The transaction is over either way; the error that led here is the one to report.
  }
}

/**
 * Opens a file with the driver asked for, or with the first one there is: `node:sqlite` (Node 22.13 and newer), then
 * `better-sqlite3`. Throws {@link ConfigurationError} saying what to install if there is none.
 */
export async function connectSqlite(
  file: string,
  driver: SqliteDriver | undefined,
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): Promise<SqliteConnection> {
  if (driver !== undefined && driver !== 'node:sqlite' && driver !== 'better-sqlite3') {
    const found = JSON.stringify(driver);
    throw new ConfigurationError('sqliteInbox.driver', `found ${found}; expected 'node:sqlite' or 'better-sqlite3'`);
  }
  const builtIn = driver === 'better-sqlite3' ? undefined : loadNodeSqlite();
  if (builtIn) return nodeSqliteConnection(new builtIn.DatabaseSync(file, { readOnly }));
  if (driver === 'node:sqlite') {
    throw new ConfigurationError(
      'sqliteInbox.driver',
      `found 'node:sqlite', which Node ${process.version} does not have; use Node 22.13 or newer, or 'better-sqlite3'`,
    );
  }
  const Database = await loadBetterSqlite3();
  try {
    return betterSqlite3Connection(new Database(file, { readonly: readOnly }));
  } catch (cause) {
    // Its native part is loaded only now.
    throw String((cause as { code?: unknown }).code).startsWith('SQLITE_') ? cause : cannotLoadBetterSqlite3(cause);
  }
}

/** `getBuiltinModule` instead of an import: an import of a module this Node lacks would fail at load time. */
function loadNodeSqlite(): typeof import('node:sqlite') | undefined {
  return process.getBuiltinModule('node:sqlite') as typeof import('node:sqlite') | undefined;
}

async function loadBetterSqlite3(): Promise<typeof BetterSqlite3> {
  refuseTooNewBetterSqlite3();
  try {
    return (await import('better-sqlite3')).default;
  } catch (cause) {
    throw cannotLoadBetterSqlite3(cause);
  }
}

function cannotLoadBetterSqlite3(cause: unknown): ConfigurationError {
  const instead = loadNodeSqlite()
    ? "or use the driver 'node:sqlite', which this Node has"
    : 'or use Node 22.13 or newer, which has one built in';
  return new ConfigurationError(
    'sqliteInbox',
    `better-sqlite3 could not be loaded by Node ${process.version}; run \`npm install better-sqlite3@${hasNodeApi10() ? 13 : 12}\` ` +
      `(if it is installed for another version of Node, \`npm rebuild better-sqlite3\`), ${instead}`,
    { cause },
  );
}

function hasNodeApi10(): boolean {
  return Number(process.versions.napi) >= 10;
}

/** better-sqlite3 13 needs Node-API 10 and ends the process with a segmentation fault where that is missing. */
function refuseTooNewBetterSqlite3(): void {
  if (hasNodeApi10()) return;
  for (const start of [process.argv[1] ?? '', join(process.cwd(), 'package.json')]) {
    try {
      const { version } = createRequire(start)('better-sqlite3/package.json') as { version: string };
      if (Number.parseInt(version, 10) < 13) return;
      throw new ConfigurationError(
        'sqliteInbox',
        `better-sqlite3 ${version} does not run on Node ${process.version}; run \`npm install better-sqlite3@12\`, or use Node 22.14 or newer`,
      );
    } catch (error) {
      // Not to be found from here: the import itself will tell.
      if (error instanceof ConfigurationError) throw error;
    }
  }
}

function nodeSqliteConnection(database: DatabaseSync): SqliteConnection {
  const prepare = keeping((sql) => database.prepare(sql));
  return {
    driver: 'node:sqlite',
    all: (sql, parameters) => prepare(sql).all(...(parameters as SQLInputValue[])),
    change: (sql, parameters) => Number(prepare(sql).run(...(parameters as SQLInputValue[])).changes),
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
  };
}

function betterSqlite3Connection(database: BetterSqlite3.Database): SqliteConnection {
  const prepare = keeping((sql) => database.prepare(sql));
  return {
    driver: 'better-sqlite3',
    all(sql, parameters) {
      const statement = prepare(sql);
      if (statement.reader) return statement.all(...parameters);
      statement.run(...parameters);
      return [];
    },
    change: (sql, parameters) => prepare(sql).run(...parameters).changes,
    exec: (sql) => void database.exec(sql),
    close: () => void database.close(),
  };
}

/** Prepares each statement once. */
function keeping<Statement>(prepare: (sql: string) => Statement): (sql: string) => Statement {
  const prepared = new Map<string, Statement>();
  return (sql) => {
    const statement = prepared.get(sql) ?? prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };
}
