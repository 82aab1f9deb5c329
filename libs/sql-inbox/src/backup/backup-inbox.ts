import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigurationError, OwnError, StoreUnavailableError } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';
import { existingFile, migrationsOf } from '../sqlite-file/existing-inbox.js';
import { connectSqlite, type SqliteConnection, type SqliteDriver } from '../sqlite-connection/sqlite-connection.js';
import { isDiskFull, isLocked, remedyFor } from '../sqlite-connection/sqlite-failure.js';
import { onceUnlocked } from '../sqlite-connection/sqlite-lock.js';

export interface BackupOptions {
  /** The path of the inbox. Apps may be using it. */
  readonly from: string;
  /** The path of the copy; nothing may be there. */
  readonly to: string;
  /** @default what there is */
  readonly driver?: SqliteDriver;
}

export interface BackedUp {
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  /** The newest migration of its schema. */
  readonly schema: string;
  readonly messages: number;
}

/** The copy is not what it should be. It was removed. */
export class BackupError extends OwnError {
  protected static override readonly className = 'BackupError';
  readonly code = 'RUNHOOKS_BACKUP';
}

/**
 * Copies an inbox as it is at one moment, while apps go on using it. By `vacuum into`, not by SQLite's backup API, which
 * begins anew with every commit of another process, and so never ends beside a busy app. It also leaves behind what
 * was removed. The copy is its owner's alone, on the disk, and checked, before it has its name.
 *
 * @param connect opens the inbox; tests hand in one whose connections fail
 *
 * Throws `ConfigurationError` if it is not to be made, `StoreUnavailableError` if the inbox stayed locked and it can be
 * tried again, `BackupError` if the copy is damaged.
 */
export async function backupInbox(
  { from, to, driver }: BackupOptions,
  connect: typeof connectSqlite = connectSqlite,
): Promise<BackedUp> {
  const file = existingFile('--from', from);
  const target = resolve(to);
  const part = `${target}.part`;
  refuseExisting(target, `${target} exists already; choose another name, or move it away`);
  makeTarget(part);
  try {
    await copy(file, part, driver, connect);
    const { schema, messages } = await checked(file, part, driver);
    synchronize(part, 'r+');
    refuseExisting(target, `${target} was made by something else meanwhile`);
    renameSync(part, target);
    // Windows cannot, and keeps the name without it.
    if (process.platform !== 'win32') synchronize(dirname(target), 'r');
    return { from: file, to: target, bytes: statSync(target).size, schema, messages };
  } catch (cause) {
    rmSync(part, { force: true });
    throw cause;
  }
}

function refuseExisting(path: string, problem: string): void {
  if (existsSync(path)) throw new ConfigurationError('--to', problem);
}

/** SQLite takes a file that is empty, and leaves its mode as it is. */
function makeTarget(part: string): void {
  try {
    closeSync(openSync(part, 'wx', SQL_LIMITS.sqliteFileMode));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const problem =
      code === 'EEXIST'
        ? `${part} is there: another backup is making it, or one was interrupted; then remove it`
        : `${part} cannot be made (${code}); check that its directory is there and may be written`;
    throw new ConfigurationError('--to', problem, { cause });
  }
}

async function copy(
  file: string,
  part: string,
  driver: SqliteDriver | undefined,
  connect: typeof connectSqlite,
): Promise<void> {
  let source: SqliteConnection | undefined;
  try {
    // Who may not write cannot close a log into the file, and cannot remove one that is empty either.
    source = await connect(file, driver, { readOnly: existsSync(`${file}-wal`) });
    source.exec(`pragma busy_timeout = ${SQL_LIMITS.sqliteTryMs}`);
    const connection = source;
    await onceUnlocked(() => migrationsOf('--from', connection, file));
    await onceUnlocked(() => connection.all('vacuum into ?', [part]));
  } catch (cause) {
    if (isLocked(cause)) {
      throw new StoreUnavailableError(`${file} stayed locked by another process; run the same command again`, {
        cause,
      });
    }
    const remedy = remedyFor(cause);
    if (remedy === undefined) throw cause;
    // The inbox is only read, so it is the copy that finds no room.
    throw isDiskFull(cause)
      ? new ConfigurationError('--to', `${part}: ${remedy}`, { cause })
      : new ConfigurationError('--from', `${file}: ${remedy}`, { cause });
  } finally {
    source?.close();
  }
}

async function checked(
  file: string,
  part: string,
  driver: SqliteDriver | undefined,
): Promise<Pick<BackedUp, 'schema' | 'messages'>> {
  const connection = await connectSqlite(part, driver, { readOnly: true });
  try {
    const [check] = connection.all('pragma integrity_check(1)', []) as { integrity_check: string }[];
    if (check?.integrity_check !== 'ok') {
      throw new BackupError(
        `the copy of ${file} is damaged (${check?.integrity_check}), and was removed; check both disks`,
      );
    }
    const [row] = connection.all('select count(*) as messages from messages', []) as { messages: number }[];
    return { schema: migrationsOf('--from', connection, file).at(-1) ?? 'none', messages: row?.messages ?? 0 };
  } finally {
    connection.close();
  }
}

function synchronize(path: string, flags: 'r' | 'r+'): void {
  const opened = openSync(path, flags);
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
