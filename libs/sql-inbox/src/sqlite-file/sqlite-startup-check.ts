import { closeSync, existsSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import { ConfigurationError, type Logger } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';
import type { connectSqlite, SqliteConnection, SqliteDriver } from '../sqlite-connection/sqlite-connection.js';
import { onceUnlocked } from '../sqlite-connection/sqlite-lock.js';
import { walProblem } from './sqlite-wal-format.js';

const OPTION = 'sqliteInbox.path';
const RESTORE = 'Restore the file from a backup, together with no -wal and no -shm (docs/backup.md)';

/**
 * Checks an inbox before it is opened for writing. Throws {@link ConfigurationError} if the inbox is damaged or if
 * SQLite would silently skip a part of it. The check uses a connection that cannot write: a writing one would apply a
 * damaged log to the file when it is closed. Only SQLite may open the file, because closing it otherwise would drop all
 * locks of this process on it
 * (https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
 */
export async function checkSqliteFile(
  file: string,
  driver: SqliteDriver | undefined,
  connect: typeof connectSqlite,
  logger: Logger,
): Promise<void> {
  // For anything but a file, SQLite's own error is the best one.
  if (existsSync(file) && !statSync(file).isFile()) return;
  const real = existsSync(file) ? realpathSync(file) : file;
  // This order matters: another process that creates a new inbox writes the file first.
  const beside = ['-wal', '-shm'].map((suffix) => `${real}${suffix}`).filter((path) => existsSync(path));
  const bytes = sizeOf(file);
  if (bytes === 0) {
    if (beside.length === 0) return;
    throw new ConfigurationError(
      OPTION,
      `${file} is ${existsSync(file) ? 'empty' : 'missing'}, but ${beside.join(' and ')} ${beside.length > 1 ? 'exist' : 'exists'}: ` +
        'the file was removed or moved, perhaps while an app used it. Put it back. To start with an empty inbox, stop ' +
        `every app on it and remove ${beside.length > 1 ? 'these files' : 'this file'}, too`,
    );
  }
  const connection = await connect(file, driver, { readOnly: true });
  try {
    connection.exec(`pragma busy_timeout = ${SQL_LIMITS.sqliteTryMs}`);
    await checkWal(connection, file, `${real}-wal`, logger);
    // After a crash during its creation, a new file must be rolled back by a connection that can write.
    if (existsSync(`${real}-journal`)) return;
    await checkPages(connection, file, bytes, logger);
  } finally {
    connection.close();
  }
}

async function checkPages(connection: SqliteConnection, file: string, bytes: number, logger: Logger): Promise<void> {
  if (bytes > SQL_LIMITS.startupCheckBytesMax) {
    logger.log(
      `Inbox ${file} is too large to be checked at startup (${bytes} bytes; up to ${SQL_LIMITS.startupCheckBytesMax} are read). ` +
        `\`npx nestjs-runhooks backup\` checks the copy that it makes`,
    );
    return;
  }
  let rows: unknown[] = [];
  await onceUnlocked(() => (rows = connection.all('pragma quick_check(1)', [])));
  const found = String(Object.values(rows[0] as object)[0]);
  if (found === 'ok') return;
  throw new ConfigurationError(OPTION, `${file} is damaged (${found.replaceAll('\n', '; ')}). ${RESTORE}`);
}

async function checkWal(connection: SqliteConnection, file: string, wal: string, logger: Logger): Promise<void> {
  const bytes = sizeOf(wal);
  if (bytes === 0) return;
  if (bytes > SQL_LIMITS.startupCheckWalBytesMax) {
    logger.log(`Write-ahead log ${wal} is too large to be checked at startup (${bytes} bytes)`);
    return;
  }
  let page = 0;
  await onceUnlocked(() => (page = Number(Object.values(connection.all('pragma page_size', [])[0] as object)[0])));
  const problem = walProblem(unchanging(wal), page);
  if (problem === undefined) return;
  throw new ConfigurationError(
    OPTION,
    `${file} cannot be opened without losing the content of its log ${wal}: ${problem}. ${RESTORE}. To continue with the ` +
      'content of the file and lose that of the log, move the log away',
  );
}

/** Reads the log of a running process until it did not start again in between; each start changes its header. */
function unchanging(wal: string): Buffer {
  for (;;) {
    const bytes = readFileSync(wal);
    if (headerOf(wal).equals(bytes.subarray(0, HEADER_BYTES))) return bytes;
  }
}

function headerOf(wal: string): Buffer {
  const opened = openSync(wal, 'r');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    return header.subarray(0, readSync(opened, header));
  } finally {
    closeSync(opened);
  }
}

const HEADER_BYTES = 32;

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
