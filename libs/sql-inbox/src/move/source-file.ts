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
import { IN_KEY, LARGE_COLUMNS, type Step, type Table } from './tables.js';

const OPTION = '--from';

/** SQLite inbox that is moved. No other process can open it during the move, and it is never written to. */
export class SourceFile {
  readonly file: string;
  /** Differs for every other file, and for this file after a write. */
  readonly fingerprint: string;
  readonly #connection: SqliteConnection;
  /** Position and key of the last row that was read from a table without row ids. */
  #lastKey: { readonly table: Table; readonly place: number; readonly key: readonly unknown[] } | undefined;

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
    const isByRowId = upTo !== undefined && !IN_KEY[table];
    const where = isByRowId ? ' where rowid <= ?' : '';
    const [row] = this.#connection.all(`select count(*) as rows from ${table}${where}`, isByRowId ? [upTo] : []);
    const { rows } = row as { rows: number };
    return Math.min(rows, isByRowId ? rows : (upTo ?? rows));
  }

  /** Reads the rows after a position in the table, or `undefined` if there are none. */
  next(table: Table, after: number): Step | undefined {
    const columns: readonly string[] = IN_KEY[table] ?? ['rowid'];
    const last = IN_KEY[table] ? this.#keyAt(table, columns, after) : [after];
    const key = columns.join(', ');
    const where = last ? `where (${key}) > (${columns.map(() => '?').join(', ')})` : '';
    const ordered = `${where} order by ${key} limit ?`;
    const places = this.#placesOfStep(table, ordered, last ?? []);
    if (places.length === 0) return undefined;
    const rows = this.#connection.all(`select * from ${table} ${ordered}`, [
      ...(last ?? []),
      places.length,
    ]) as object[];
    const upTo = IN_KEY[table] ? after + rows.length : (places.at(-1) as number);
    if (IN_KEY[table]) this.#lastKey = { table, place: upTo, key: valuesOf(rows.at(-1), columns) };
    return { table, rows, after, upTo };
  }

  async close(): Promise<void> {
    await closeUnwritten(this.#connection, this.file);
  }

  /** Returns the key at a position: of the last row that was read, or of one that an interrupted move has read. */
  #keyAt(table: Table, columns: readonly string[], place: number): readonly unknown[] | undefined {
    if (place === 0) return undefined;
    const last = this.#lastKey;
    if (last?.table === table && last.place === place) return last.key;
    const key = columns.join(', ');
    const [row] = this.#connection.all(`select ${key} from ${table} order by ${key} limit 1 offset ?`, [place - 1]);
    return valuesOf(row as object | undefined, columns);
  }

  /** Returns the positions of the rows of a step: as many as are not too large. */
  #placesOfStep(table: Table, ordered: string, last: readonly unknown[]): number[] {
    const bytes = LARGE_COLUMNS[table].map((column) => ` + coalesce(length(cast(${column} as blob)), 0)`).join('');
    const place = IN_KEY[table] ? '0' : 'rowid';
    const sizes = this.#connection.all(`select ${place} as place, 0${bytes} as bytes from ${table} ${ordered}`, [
      ...last,
      SQL_LIMITS.moveRowsMax,
    ]) as { place: number; bytes: number }[];
    let sum = 0;
    const over = sizes.findIndex((row, index) => (sum += row.bytes) > SQL_LIMITS.moveBytesMax && index > 0);
    return sizes.slice(0, over < 0 ? sizes.length : over).map((row) => row.place);
  }
}

function valuesOf(row: object | undefined, columns: readonly string[]): unknown[] {
  return columns.map((column) => (row as Record<string, unknown> | undefined)?.[column]);
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
