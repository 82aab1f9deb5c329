import { ConfigurationError } from 'nestjs-runhooks/core';
import type BetterSqlite3 from 'better-sqlite3';
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { openBetterSqlite3 } from './better-sqlite3.js';
import { currentRuntime, wayToNodeSqlite } from './sqlite-runtime.js';

/** Driver of SQLite: the one of Node, or the package `better-sqlite3`. */
export type SqliteDriver = 'node:sqlite' | 'better-sqlite3';

/** Synchronous connection to one open file. Statements are prepared once and kept. */
export interface SqliteConnection {
  readonly driver: SqliteDriver;
  /** Runs one statement and returns its rows, if any. */
  all(sql: string, parameters: readonly unknown[]): unknown[];
  /** Runs one statement without rows, and returns the number of changed rows. */
  change(sql: string, parameters: readonly unknown[]): number;
  exec(sql: string): void;
  close(): void;
}

/**
 * Rolls back. After some errors (disk full, I/O) SQLite has already done so, and reports that there is no transaction.
 */
export function rollBack(connection: SqliteConnection): void {
  try {
    connection.exec('rollback');
  } catch {
    // The transaction has ended either way, and the first error is the one to report.
  }
}

/**
 * Opens a file with the given driver, or with the first available one: `node:sqlite` (Node 22.13 and newer), then
 * `better-sqlite3`. Throws {@link ConfigurationError} with what to install if none is available.
 */
export async function connectSqlite(
  file: string,
  driver: SqliteDriver | undefined,
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): Promise<SqliteConnection> {
  if (driver !== undefined && driver !== 'node:sqlite' && driver !== 'better-sqlite3') {
    const found = JSON.stringify(driver);
    throw new ConfigurationError('sqliteInbox.driver', `expected 'node:sqlite' or 'better-sqlite3', got ${found}`);
  }
  const builtIn = driver === 'better-sqlite3' ? undefined : loadNodeSqlite();
  if (builtIn) return nodeSqliteConnection(new builtIn.DatabaseSync(file, { readOnly }));
  if (driver === 'node:sqlite') {
    throw new ConfigurationError(
      'sqliteInbox.driver',
      `got 'node:sqlite', which this runtime does not have. To fix it, ${wayToNodeSqlite(currentRuntime())}, or the driver 'better-sqlite3'`,
    );
  }
  return betterSqlite3Connection(await openBetterSqlite3(file, readOnly));
}

/** Uses `getBuiltinModule`, because importing a module that Node lacks would fail at load time. */
function loadNodeSqlite(): typeof import('node:sqlite') | undefined {
  return process.getBuiltinModule('node:sqlite') as typeof import('node:sqlite') | undefined;
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
