/** A failure of SQLite, as listed at https://sqlite.org/rescode.html. */
export interface Fault {
  /** Name of the extended result code. */
  readonly name: string;
  readonly code: number;
  /** The advice that the error message must contain. */
  readonly remedy: RegExp;
}

export const DISK_FULL: Fault = { name: 'SQLITE_FULL', code: 13, remedy: /disk is full/ };
export const FSYNC_FAILED: Fault = { name: 'SQLITE_IOERR_FSYNC', code: 1034, remedy: /I\/O error/ };
export const WRITE_FAILED: Fault = { name: 'SQLITE_IOERR_WRITE', code: 778, remedy: /I\/O error/ };
export const READ_ONLY: Fault = { name: 'SQLITE_READONLY', code: 8, remedy: /read-only/ };
export const CORRUPT: Fault = { name: 'SQLITE_CORRUPT_INDEX', code: 779, remedy: /damaged/ };
export const NO_MEMORY: Fault = { name: 'SQLITE_NOMEM', code: 7, remedy: /memory/ };
export const BUSY: Fault = { name: 'SQLITE_BUSY', code: 5, remedy: /lock/ };
export const BUSY_SNAPSHOT: Fault = { name: 'SQLITE_BUSY_SNAPSHOT', code: 517, remedy: /lock/ };
export const LOCKED: Fault = { name: 'SQLITE_LOCKED_SHAREDCACHE', code: 262, remedy: /lock/ };

/** The form in which each driver reports a failure. */
export const SHAPES = {
  'node:sqlite': ({ name, code }: Fault): Error =>
    Object.assign(new Error(`${name} as reported by node:sqlite`), {
      code: 'ERR_SQLITE_ERROR',
      errcode: code,
      errstr: name,
    }),
  'better-sqlite3': ({ name }: Fault): Error =>
    Object.assign(new Error(`${name} as reported by better-sqlite3`), { code: name }),
} as const;

export type Shape = keyof typeof SHAPES;
