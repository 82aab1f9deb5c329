import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigurationError, OwnError, StoreUnavailableError } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';
import { existingFile, migrationsOf } from '../sqlite-file/existing-inbox.js';
import { connectSqlite, type SqliteConnection, type SqliteDriver } from '../sqlite-connection/sqlite-connection.js';
import { isDiskFull, isLocked, remedyFor } from '../sqlite-connection/sqlite-failure.js';
import { onceUnlocked } from '../sqlite-connection/sqlite-lock.js';

/** Options for {@link backupInbox}. */
export interface BackupOptions {
  /** Path of the inbox. Apps may be using it. */
  readonly from: string;
  /** Path of the copy, which must not exist. */
  readonly to: string;
  /** Driver. @default the first available one */
  readonly driver?: SqliteDriver;
}

/** Result of {@link backupInbox}. */
export interface BackedUp {
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  /** Newest migration of the schema. */
  readonly schema: string;
  readonly messages: number;
}

/** The copy is damaged and was removed. */
export class BackupError extends OwnError {
  protected static override readonly className = 'BackupError';
  readonly code = 'RUNHOOKS_BACKUP';
}

/**
 * Copies an inbox as of one moment, while apps use it. `vacuum into` also leaves out removed content. SQLite's backup
 * API would start again with every commit of another process, and so never end beside a busy app. The copy gets its
 * name after it is private to its owner, synchronized to the disk and checked.
 *
 * @param connect opens the inbox; tests pass one whose connections fail
 *
 * @throws ConfigurationError if a path or the inbox is invalid
 * @throws StoreUnavailableError if the inbox stayed locked; run the command again
 * @throws BackupError if the copy is damaged
 */
export async function backupInbox(
  { from, to, driver }: BackupOptions,
  connect: typeof connectSqlite = connectSqlite,
): Promise<BackedUp> {
  const file = existingFile('--from', from);
  const target = resolve(to);
  const part = `${target}.part`;
  refuseExisting(target, `${target} already exists. Choose another name, or move the file away`);
  createTarget(part);
  try {
    await copy(file, part, driver, connect);
    const { schema, messages } = await checked(file, part, driver);
    synchronize(part, 'r+');
    refuseExisting(target, `${target} was created by another program during the backup. Choose another name`);
    renameSync(part, target);
    // Windows cannot synchronize a directory, and does not need it.
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

/** Creates an empty file with the right mode, which SQLite keeps. */
function createTarget(part: string): void {
  try {
    closeSync(openSync(part, 'wx', SQL_LIMITS.sqliteFileMode));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const problem =
      code === 'EEXIST'
        ? `${part} already exists: another backup is running, or was interrupted. If none is running, remove the file`
        : `${part} cannot be created (${code}). Check that its directory exists and is writable`;
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
    // A read-only connection neither applies a log to the file nor removes an empty log.
    source = await connect(file, driver, { readOnly: existsSync(`${file}-wal`) });
    source.exec(`pragma busy_timeout = ${SQL_LIMITS.sqliteTryMs}`);
    const connection = source;
    await onceUnlocked(() => migrationsOf('--from', connection, file));
    await onceUnlocked(() => connection.all('vacuum into ?', [part]));
  } catch (cause) {
    if (isLocked(cause)) {
      throw new StoreUnavailableError(`${file} stayed locked by another process. Run the same command again`, {
        cause,
      });
    }
    const remedy = remedyFor(cause);
    if (remedy === undefined) throw cause;
    // The inbox is only read, so a full disk is that of the copy.
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
        `the copy of ${file} is damaged (${check?.integrity_check}) and was removed. Check both disks`,
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
