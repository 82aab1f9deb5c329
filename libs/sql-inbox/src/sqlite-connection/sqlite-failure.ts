import { StoreUnavailableError } from 'nestjs-runhooks/core';

/** Cause and remedy by primary result code of SQLite: https://sqlite.org/rescode.html */
const REMEDIES: Readonly<Record<number, string>> = {
  3: 'the system denied access; correct the permissions of the file and its directory',
  5: 'another process holds its write lock; if that lasts, find the process that does not release it',
  6: 'another process holds its write lock; if that lasts, find the process that does not release it',
  7: 'the process is out of memory; give it more',
  8: 'the file or its directory is read-only for this process; correct the permissions',
  10: 'the disk reported an I/O error; check the disk and the system log',
  11: 'the file is damaged; restore it from a backup, or move it away to start with an empty inbox',
  13: 'the disk is full; free some space',
  14: 'the file cannot be opened; check that its directory exists and may be written',
  15: 'its locks could not be taken; if that lasts, check that the file is on a local disk',
  26: 'the file is not an SQLite database; choose another path',
};

/** Returns the primary result code of an error of either driver, or `undefined` if it is not from SQLite. */
export function sqliteCode(error: unknown): number | undefined {
  // Not `instanceof Error`: if a test runner creates realms, drivers throw errors of the realm that loaded them.
  if (typeof error !== 'object' || error === null) return undefined;
  const { errcode, code, message } = error as { errcode?: unknown; code?: unknown; message?: unknown };
  if (typeof errcode === 'number') return errcode & 0xff;
  if (typeof code !== 'string') return undefined;
  if (code === 'ERR_SQLITE_ERROR') return codeOfText(String(message));
  const name = Object.keys(CODES).find((known) => code === known || code.startsWith(`${known}_`));
  return name === undefined ? undefined : CODES[name];
}

/** better-sqlite3 names the codes, node:sqlite numbers them. */
const CODES: Readonly<Record<string, number>> = {
  SQLITE_PERM: 3,
  SQLITE_BUSY: 5,
  SQLITE_LOCKED: 6,
  SQLITE_NOMEM: 7,
  SQLITE_READONLY: 8,
  SQLITE_IOERR: 10,
  SQLITE_CORRUPT: 11,
  SQLITE_FULL: 13,
  SQLITE_CANTOPEN: 14,
  SQLITE_PROTOCOL: 15,
  SQLITE_NOTADB: 26,
};

/** Deno's node:sqlite numbers only the errors of prepared statements. Other errors have SQLite's text for the code. */
function codeOfText(message: string): number | undefined {
  const found = Object.entries(TEXTS).find(([, text]) => message.startsWith(text));
  return found && Number(found[0]);
}

const TEXTS: Readonly<Record<number, string>> = {
  3: 'access permission denied',
  5: 'database is locked',
  6: 'database table is locked',
  7: 'out of memory',
  8: 'attempt to write a readonly database',
  10: 'disk I/O error',
  11: 'database disk image is malformed',
  13: 'database or disk is full',
  14: 'unable to open database file',
  15: 'locking protocol',
  26: 'file is not a database',
};

/** Whether an error means that another connection holds the lock. */
export function isLocked(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === CODES['SQLITE_BUSY'] || code === CODES['SQLITE_LOCKED'];
}

export function isDiskFull(error: unknown): boolean {
  return sqliteCode(error) === CODES['SQLITE_FULL'];
}

/** Returns cause and remedy, or `undefined` if the error is not from SQLite. */
export function remedyFor(error: unknown): string | undefined {
  const code = sqliteCode(error);
  return code === undefined ? undefined : REMEDIES[code];
}

/**
 * Returns a {@link StoreUnavailableError} with the file and the remedy for an error of SQLite, and other errors as they
 * are.
 */
export function storeFailure(error: unknown, file: string): unknown {
  const remedy = remedyFor(error);
  return remedy === undefined
    ? error
    : new StoreUnavailableError(`the inbox ${file} cannot be used: ${remedy}`, { cause: error });
}
