import { closeSync, existsSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import { ConfigurationError, type Logger } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';
import type { connectSqlite, SqliteConnection, SqliteDriver } from '../sqlite-connection/sqlite-connection.js';
import { onceUnlocked } from '../sqlite-connection/sqlite-lock.js';
import { walProblem } from './sqlite-wal-format.js';

const OPTION = 'sqliteInbox.path';
const RESTORE = 'Restore the file from a backup, together with no -wal and no -shm (docs/backup.md)';

/**
 * Reads an inbox before it is opened for writing, and throws {@link ConfigurationError} if it is damaged or if SQLite would
 * pass over a part of it in silence. By a connection that cannot write: the last one that can, closes a damaged log
 * into the file. Nothing here opens the file by other means, because closing that would drop all locks of this
 * process on it (https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
 */
export async function checkSqliteFile(
  file: string,
  driver: SqliteDriver | undefined,
  connect: typeof connectSqlite,
  logger: Logger,
): Promise<void> {
  // SQLite says best what else it may be.
  if (existsSync(file) && !statSync(file).isFile()) return;
  const real = existsSync(file) ? realpathSync(file) : file;
  // In this order: another process that makes a new inbox writes the file first.
  const beside = ['-wal', '-shm'].map((suffix) => `${real}${suffix}`).filter((path) => existsSync(path));
  const bytes = sizeOf(file);
  if (bytes === 0) {
    if (beside.length === 0) return;
    throw new ConfigurationError(
      OPTION,
      `${file} is ${existsSync(file) ? 'empty' : 'missing'}, but ${beside.join(' and ')} of it ${beside.length > 1 ? 'are' : 'is'} there: ` +
        'it was removed or moved, perhaps while an app used it. Put it back; or, to start with an empty inbox, stop every ' +
        `app on it and remove ${beside.length > 1 ? 'those' : 'that'}, too`,
    );
  }
  const connection = await connect(file, driver, { readOnly: true });
  try {
    connection.exec(`pragma busy_timeout = ${SQL_LIMITS.sqliteTryMs}`);
    await checkWal(connection, file, `${real}-wal`, logger);
    // After a crash in the middle of its making, a new file has to be rolled back by a connection that may write.
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
    `${file} cannot be opened without losing what its log ${wal} holds: ${problem}. ${RESTORE}; or move the log away to ` +
      'go on with what is in the file, and lose what is not',
  );
}

/** A log that another process is using may begin anew while it is read; each time it does, its header changes. */
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
