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

/** An SQLite inbox that is moved. Nobody else can have it open meanwhile, and it is never written to. */
export class SourceFile {
  readonly file: string;
  /** Other for every other file, and for this one once anybody has written to it. */
  readonly fingerprint: string;
  readonly #connection: SqliteConnection;

  private constructor(file: string, connection: SqliteConnection) {
    this.file = file;
    this.#connection = connection;
    this.fingerprint = fingerprintOf(file);
  }

  /** Throws {@link ConfigurationError} if it is no inbox of this version, or if a process lives on it. */
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

  /** Rows of a table; with `upTo` those up to that place. */
  count(table: Table, upTo?: number): number {
    const where = upTo === undefined ? '' : ' where rowid <= ?';
    const [row] = this.#connection.all(
      `select count(*) as rows from ${table}${where}`,
      upTo === undefined ? [] : [upTo],
    );
    return (row as { rows: number }).rows;
  }

  /** The rows that come after a place in the table; undefined if there are none. */
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

/** By its times and sizes, with those of its log: whoever writes changes them. */
function fingerprintOf(file: string): string {
  const { size, mtimeNs } = statSync(file, { bigint: true });
  const log = statSync(`${file}-wal`, { bigint: true, throwIfNoEntry: false });
  return [`${size}@${mtimeNs}`, ...(log && log.size > 0n ? [`${log.size}@${log.mtimeNs}`] : [])].join(' ');
}

/** Takes the file for this process alone, if nobody else has it open. */
function refuseUse(connection: SqliteConnection, file: string, now: Date): void {
  const isFree = take(connection);
  const living = connection.all('select label, seen_at from processes where seen_at >= ? order by id', [
    lapsedBefore(now).getTime(),
  ]) as Pick<ProcessesTable, 'label' | 'seen_at'>[];
  const said = living.map(({ label, seen_at }) => `${label} (${Math.round((now.getTime() - seen_at) / 1_000)} s ago)`);
  if (!isFree) throw inUse(file, 'open', said);
  if (said.length > 0) throw inUse(file, 'registered', said);
}

function inUse(file: string, how: 'open' | 'registered', said: readonly string[]): ConfigurationError {
  const found = how === 'open' ? `another process has ${file} open` : `a process of ${file} may still be alive`;
  const alive = said.length > 0 ? `. Lately said to be alive, by host and process id: ${said.join(', ')}` : '';
  const more =
    how === 'open'
      ? `\`fuser ${file}\` tells who has it open`
      : `One that was killed counts as gone ${LIMITS.processLapseMs / 1_000} s after it last said so`;
  return new ConfigurationError(
    OPTION,
    `${found}; stop every app on it, by SIGTERM, and wait until they have ended${alive}. ${more}`,
  );
}

/**
 * In this mode a transaction that may write needs that no other connection has the file open, and keeps others from
 * opening it until {@link closeUnwritten}. False if another one has it open. https://sqlite.org/pragma.html#pragma_locking_mode
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

/** Who closes a file last writes its log into it; a second connection, which may not write, is there to be the last. */
async function closeUnwritten(connection: SqliteConnection, file: string): Promise<void> {
  let last: SqliteConnection | undefined;
  try {
    connection.exec('pragma locking_mode = normal; begin immediate');
    rollBack(connection);
    last = await connectSqlite(file, connection.driver, { readOnly: true });
    last.all('select name from sqlite_master limit 1', []);
  } catch {
    // Another process has it open, or it is no database: then nothing is written either.
  }
  connection.close();
  last?.close();
}
