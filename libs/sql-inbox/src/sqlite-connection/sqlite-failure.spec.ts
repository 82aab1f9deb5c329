import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { StoreUnavailableError } from 'nestjs-runhooks/core';
import { isLocked, remedyFor, sqliteCode, storeFailure } from './sqlite-failure.js';

/** As better-sqlite3 throws it. */
const named = (code: string) => Object.assign(new Error('text'), { code });
/** As node:sqlite throws it. */
const numbered = (errcode: number) => Object.assign(new Error('text'), { code: 'ERR_SQLITE_ERROR', errcode });
/** As node:sqlite of Deno throws it where a file is opened and from `exec`. */
const unnumbered = (message: string) => Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR' });

/** Failures of the engine or the disk: result codes with all their extended ones. https://sqlite.org/rescode.html */
const ENGINE: [name: string, code: number, extended: Record<string, number>, remedy: string, text: string][] = [
  ['SQLITE_PERM', 3, {}, 'permissions', 'access permission denied'],
  ['SQLITE_BUSY', 5, { SQLITE_BUSY_RECOVERY: 261, SQLITE_BUSY_SNAPSHOT: 517 }, 'write lock', 'database is locked'],
  ['SQLITE_LOCKED', 6, { SQLITE_LOCKED_SHAREDCACHE: 262 }, 'write lock', 'database table is locked: runs'],
  ['SQLITE_NOMEM', 7, {}, 'memory', 'out of memory'],
  [
    'SQLITE_READONLY',
    8,
    { SQLITE_READONLY_DBMOVED: 1032, SQLITE_READONLY_DIRECTORY: 1544 },
    'read-only',
    'attempt to write a readonly database',
  ],
  ['SQLITE_IOERR', 10, { SQLITE_IOERR_FSYNC: 1034, SQLITE_IOERR_WRITE: 778 }, 'I/O error', 'disk I/O error'],
  ['SQLITE_CORRUPT', 11, { SQLITE_CORRUPT_INDEX: 779 }, 'damaged', 'database disk image is malformed'],
  ['SQLITE_FULL', 13, {}, 'disk is full', 'database or disk is full'],
  [
    'SQLITE_CANTOPEN',
    14,
    { SQLITE_CANTOPEN_ISDIR: 526 },
    'cannot be opened',
    'unable to open database file: /data/inbox.db',
  ],
  ['SQLITE_PROTOCOL', 15, {}, 'lock', 'locking protocol'],
  ['SQLITE_NOTADB', 26, {}, 'not an SQLite database', 'file is not a database'],
];

/** Failures of one statement or one row, not of the engine. */
const ROWS = [
  ['a constraint, named', named('SQLITE_CONSTRAINT_UNIQUE')],
  ['a constraint, numbered', numbered(2067)],
  ['a value that is too big', named('SQLITE_TOOBIG')],
  ['a statement that is wrong', numbered(1)],
  ['a constraint, on Deno', unnumbered('UNIQUE constraint failed: runs.id')],
  ['a text that only contains a text of the engine', unnumbered('no such column: "database is locked"')],
  ['a name that only begins like a code', named('SQLITE_FULLER')],
  ['a code of Node', named('ENOSPC')],
  ['an error without a code', new TypeError('cannot bind')],
  ['null', null],
  ['a text', 'SQLITE_FULL'],
  ['undefined', undefined],
] as const;

describe.each(ENGINE)('%s', (name, code, extended, remedy, text) => {
  const errors = [
    named(name),
    numbered(code),
    unnumbered(text),
    ...Object.entries(extended).flatMap(([other, number]) => [named(other), numbered(number)]),
  ];

  it('is detected from both drivers and from Deno, with all its extended codes', () => {
    for (const error of errors) expect(sqliteCode(error)).toBe(code);
  });

  it('is detected from errors of another realm, as in a test runner that creates realms', () => {
    const foreign = runInNewContext(
      `[Object.assign(new Error('text'), { errcode: ${code} }), Object.assign(Object.create(Error.prototype), { code: '${name}' })]`,
    ) as unknown[];
    for (const error of foreign) expect(sqliteCode(error)).toBe(code);
  });

  it('becomes a StoreUnavailableError with file, remedy and cause', () => {
    for (const error of errors) {
      const failure = storeFailure(error, '/data/inbox.db');
      expect(failure).toBeInstanceOf(StoreUnavailableError);
      expect((failure as Error).message).toContain('/data/inbox.db');
      expect((failure as Error).message).toContain(remedy);
      expect((failure as Error).cause).toBe(error);
    }
  });

  it('is retried only if another process holds the lock', () => {
    for (const error of errors) expect(isLocked(error)).toBe(code === 5 || code === 6);
  });
});

describe('storeFailure', () => {
  it.each(ROWS)('returns other errors unchanged: %s', (_, error) => {
    expect(storeFailure(error, 'inbox.db')).toBe(error);
    expect(remedyFor(error)).toBeUndefined();
    expect(isLocked(error)).toBe(false);
  });
});
