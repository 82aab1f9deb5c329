import { statSync } from 'node:fs';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { lapsedBefore, LIMITS } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import { existingFile, migrationsOf } from '../sqlite-file/existing-inbox.js';
import type { ProcessesTable } from '../schema/schema.js';
import {
  connectSqlite,
  rollBack,
  type SqliteConnection,
  type SqliteDriver,
} from '../sqlite-connection/sqlite-connection.js';
import { isLocked, remedyFor } from '../sqlite-connection/sqlite-failure.js';
import { requireThisSchema } from './same-schema.js';
import { LARGE_COLUMNS, type Step, type Table } from './tables.js';

const OPTION = '--from';

/** SQLite inbox that is moved. No other process can open it during the move, and it is never written to. */
export class SourceFile {
  readonly file: string;
  /** Differs for every other file, and for this file after a write. */
  readonly fingerprint: string;
  readonly #connection: SqliteConnection;

  private constructor(file: string, connection: SqliteConnection) {
    this.file = file;
    this.#connection = connection;
    this.fingerprint = fingerprintOf(file);
  }

  /**
   * Opens the file. Throws {@link ConfigurationError} if it is not an inbox of this version, or if a process uses it.
   */
  static async open(path: string, now: Date, driver?: SqliteDriver): Promise<SourceFile> {
    const file = existingFile(OPTION, path);
    let connection: SqliteConnection | undefined;
    try {
      connection = await connectSqlite(file, driver);
      connection.exec(`pragma busy_timeout = ${SQL_LIMITS.sqliteTryMs}`);
      requireThisSchema(OPTION, file, migrationsOf(OPTION, connection, file));
      refuseUse(connection, file, now);
      return new SourceFile(file, connection);
    } catch (cause) {
      if (connection) await closeUnwritten(connection, file);
      if (isLocked(cause)) throw inUse(file, 'open', []);
      const remedy = remedyFor(cause);
      throw remedy === undefined ? cause : new ConfigurationError(OPTION, `${file}: ${remedy}`, { cause });
    }
  }

  /** Counts the rows of a table, up to the position `upTo` if given. */
  count(table: Table, upTo?: number): number {
    const where = upTo === undefined ? '' : ' where rowid <= ?';
    const [row] = this.#connection.all(
      `select count(*) as rows from ${table}${where}`,
      upTo === undefined ? [] : [upTo],
    );
    return (row as { rows: number }).rows;
  }

  /** Reads the rows after a position in the table, or `undefined` if there are none. */
  next(table: Table, after: number): Step | undefined {
    const upTo = this.#endOfStep(table, after);
    if (upTo === undefined) return undefined;
    const rows = this.#connection.all(`select * from ${table} where rowid > ? and rowid <= ? order by rowid`, [
      after,
      upTo,
    ]);
    return { table, rows: rows as object[], after, upTo };
  }

  async close(): Promise<void> {
    await closeUnwritten(this.#connection, this.file);
  }

  #endOfStep(table: Table, after: number): number | undefined {
    const bytes = LARGE_COLUMNS[table].map((column) => ` + coalesce(length(cast(${column} as blob)), 0)`).join('');
    const sizes = this.#connection.all(
      `select rowid as place, 0${bytes} as bytes from ${table} where rowid > ? order by rowid limit ?`,
      [after, SQL_LIMITS.moveRowsMax],
    ) as { place: number; bytes: number }[];
    let sum = 0;
    let end: number | undefined;
    for (const row of sizes) {
      sum += row.bytes;
      if (end !== undefined && sum > SQL_LIMITS.moveBytesMax) break;
      end = row.place;
    }
    return end;
  }
}

/** Returns time and size of the file and its log, which every write changes. */
function fingerprintOf(file: string): string {
  const { size, mtimeNs } = statSync(file, { bigint: true });
  const log = statSync(`${file}-wal`, { bigint: true, throwIfNoEntry: false });
  return [`${size}@${mtimeNs}`, ...(log && log.size > 0n ? [`${log.size}@${log.mtimeNs}`] : [])].join(' ');
}

/** Takes the file for this process alone, unless another process has it open. */
function refuseUse(connection: SqliteConnection, file: string, now: Date): void {
  const isFree = take(connection);
  const living = connection.all('select label, seen_at from processes where seen_at >= ? order by id', [
    lapsedBefore(now).getTime(),
  ]) as Pick<ProcessesTable, 'label' | 'seen_at'>[];
  const heartbeats = living.map(
    ({ label, seen_at }) => `${label} (${Math.round((now.getTime() - seen_at) / 1_000)} s ago)`,
  );
  if (!isFree) throw inUse(file, 'open', heartbeats);
  if (heartbeats.length > 0) throw inUse(file, 'registered', heartbeats);
}

function inUse(file: string, how: 'open' | 'registered', heartbeats: readonly string[]): ConfigurationError {
  const last = heartbeats.length > 0 ? ` Last heartbeats, by host and process id: ${heartbeats.join(', ')}.` : '';
  const more =
    how === 'open'
      ? `\`fuser ${file}\` shows the process`
      : `A killed process counts as running for ${LIMITS.processLapseMs / 1_000} s after its last heartbeat`;
  return new ConfigurationError(
    OPTION,
    `${file} is in use. Stop every app that uses it (SIGTERM) and wait for it to exit.${last} ${more}`,
  );
}

/**
 * Locks the file until {@link closeUnwritten}. Returns `false` if another connection has it open: in exclusive mode a
 * write transaction excludes all others. https://sqlite.org/pragma.html#pragma_locking_mode
 */
function take(connection: SqliteConnection): boolean {
  connection.exec('pragma locking_mode = exclusive');
  try {
    connection.exec('begin exclusive');
    connection.exec('rollback');
    return true;
  } catch (error) {
    if (isLocked(error)) return false;
    throw error;
  }
}

/** Closes the file without applying its log: that is done by the last connection, which is a read-only one here. */
async function closeUnwritten(connection: SqliteConnection, file: string): Promise<void> {
  let last: SqliteConnection | undefined;
  try {
    connection.exec('pragma locking_mode = normal; begin immediate');
    rollBack(connection);
    last = await connectSqlite(file, connection.driver, { readOnly: true });
    last.all('select name from sqlite_master limit 1', []);
  } catch {
    // If another process has the file open, or it is not a database, nothing is written either.
  }
  connection.close();
  last?.close();
}
