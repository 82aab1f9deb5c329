import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { StoreUnavailableError } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';
import { GroupCommit } from './group-commit.js';
import { connectSqlite, type SqliteConnection, type SqliteDriver } from '../sqlite-connection/sqlite-connection.js';
import type { Transaction } from '../schema/statement.js';

const DRIVERS: readonly SqliteDriver[] = ['node:sqlite', 'better-sqlite3'];
const works = await Promise.all(
  DRIVERS.map((driver) =>
    connectSqlite(':memory:', driver).then(
      (connection) => (connection.close(), true),
      () => false,
    ),
  ),
);

describe.each(DRIVERS.filter((_, index) => works[index]))('GroupCommit on %s', (driver) => {
  let directory: string;
  let file: string;
  let connection: SqliteConnection;
  let commits: GroupCommit;
  /** Executed SQL other than statements with values. */
  let executed: string[];
  /** Makes the next statements of this text fail. */
  let failing: Map<string, unknown>;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'runhooks-commit-'));
    file = join(directory, 'inbox.db');
    connection = await connectSqlite(file, driver);
    connection.exec('pragma journal_mode = wal');
    // What a test loses in a power cut is of no use to it.
    connection.exec('pragma synchronous = off');
    connection.exec('pragma busy_timeout = 0');
    connection.exec('create table numbers (number integer unique, body blob)');
    executed = [];
    failing = new Map();
    const watched: SqliteConnection = {
      ...connection,
      exec: (sql) => {
        executed.push(sql);
        if (failing.has(sql)) throw failing.get(sql);
        connection.exec(sql);
      },
    };
    commits = new GroupCommit(watched, file);
  });

  afterEach(() => {
    jest.useRealTimers();
    connection.close();
    rmSync(directory, { recursive: true });
  });

  const insert = (number: number, body: Uint8Array | null = null) =>
    function* (): Transaction<number> {
      const rows = yield { sql: 'insert into numbers values (?, ?) returning number', parameters: [number, body] };
      return (rows as { number: number }[])[0]!.number;
    };
  const count = () =>
    function* (): Transaction<number> {
      const rows = yield { sql: 'select count(*) as count from numbers', parameters: [] };
      return (rows as { count: number }[])[0]!.count;
    };
  const stored = () =>
    connection.all('select number from numbers order by rowid', []).map((row) => (row as { number: number }).number);
  const times = (sql: string) => executed.filter((one) => one === sql).length;
  const numbersTo = (end: number) => Array.from({ length: end }, (_, index) => index);
  const locked = () =>
    connectSqlite(file, driver).then((other) => {
      other.exec('begin immediate');
      return other;
    });

  it('runs all waiting operations in one transaction, in order, each with its own result', async () => {
    const results = await Promise.all(
      numbersTo(200).flatMap((number) => [commits.run(insert(number)), commits.run(count())]),
    );
    expect(results).toEqual(numbersTo(200).flatMap((number) => [number, number + 1]));
    expect(executed).toEqual(['begin immediate', 'commit']);
  });

  it('resolves no operation and shows no row before the commit', async () => {
    const other = await connectSqlite(file, driver);
    const seen: unknown[] = [];
    const look = () => seen.push([times('commit'), other.all('select number from numbers', []).length]);
    const runs = [1, 2, 3].map((number) => commits.run(insert(number)).then(look));
    look();
    await Promise.all(runs);
    expect(seen).toEqual([
      [0, 0],
      [1, 3],
      [1, 3],
      [1, 3],
    ]);
    other.close();
  });

  it('runs the operations of one turn of the event loop together', async () => {
    const first = commits.run(insert(1));
    await Promise.resolve();
    const second = commits.run(insert(2));
    process.nextTick(() => void commits.run(insert(3)));
    expect(executed).toEqual([]);
    await Promise.all([first, second]);
    expect(times('commit')).toBe(1);
    expect(stored()).toEqual([1, 2, 3]);
  });

  it('runs operations that arrive during a commit in the next commit', async () => {
    let later: Promise<number> | undefined;
    await commits.run(function* () {
      later = commits.run(insert(2));
      return yield* insert(1)();
    });
    expect([times('commit'), stored()]).toEqual([1, [1]]);
    expect(await later).toBe(2);
    expect(times('commit')).toBe(2);
  });

  it('splits more operations than one commit may hold, in order', async () => {
    const total = 2 * SQL_LIMITS.commitBatchMax + 1;
    const done: number[] = [];
    await Promise.all(
      numbersTo(total).map((number) => commits.run(insert(number)).then((result) => void done.push(result))),
    );
    expect(times('commit')).toBe(3);
    expect(done).toEqual(numbersTo(total));
    expect(stored()).toEqual(numbersTo(total));
  });

  it('lets other work run between two commits', async () => {
    let turns = 0;
    let over = false;
    const turn = () => {
      turns += 1;
      if (!over) setImmediate(turn);
    };
    setImmediate(turn);
    await Promise.all(numbersTo(4 * SQL_LIMITS.commitBatchMax).map((number) => commits.run(insert(number))));
    over = true;
    expect(turns).toBeGreaterThanOrEqual(3);
  });

  it('rejects operations beyond the limit at once, and keeps the waiting ones', async () => {
    const waiting = numbersTo(SQL_LIMITS.writeQueueMax).map((number) => commits.run(insert(number)));
    const refused = commits.run(insert(-1));
    await expect(refused).rejects.toThrow(StoreUnavailableError);
    await expect(refused).rejects.toThrow(
      new RegExp(`${SQL_LIMITS.writeQueueMax} operations are already waiting .*inbox\\.db`),
    );
    expect(executed).toEqual([]);
    await Promise.all(waiting);
    expect(stored()).toEqual(numbersTo(SQL_LIMITS.writeQueueMax));
    expect(await commits.run(insert(-1))).toBe(-1);
  });

  describe('an operation that fails', () => {
    const bug = new TypeError('a bug in decide');
    const failures: [string, () => Transaction<unknown>, unknown][] = [
      ['throws at once', () => thrower(bug), bug],
      [
        'throws after it wrote',
        function* (): Transaction<number> {
          yield* insert(1_000)();
          throw bug;
        },
        bug,
      ],
      [
        'throws undefined',
        function* (): Transaction<number> {
          yield* insert(1_000)();
          return thrower(undefined);
        },
        undefined,
      ],
      ['breaks a constraint', insert(1), expect.objectContaining({ message: expect.stringMatching(/UNIQUE/) })],
      [
        'is no SQL',
        function* (): Transaction<number> {
          yield { sql: 'selekt', parameters: [] };
          return 1;
        },
        expect.objectContaining({ message: expect.stringMatching(/syntax/) }),
      ],
      [
        'binds what cannot be bound',
        function* (): Transaction<number> {
          yield { sql: 'select ?', parameters: [Symbol('no value')] };
          return 1;
        },
        expect.objectContaining({ message: expect.anything() as unknown }),
      ],
    ];

    it.each(failures)(
      '%s: rejects alone, with its own error, and the other operations are committed',
      async (_, begin, error) => {
        const before = commits.run(insert(1));
        const failed = commits.run(begin).then(
          () => 'resolved',
          (thrown: unknown) => ({ thrown }),
        );
        const after = commits.run(insert(2));
        expect(await Promise.all([before, failed, after])).toEqual([1, { thrown: error }, 2]);
        expect(stored()).toEqual([1, 2]);
        expect(await commits.run(insert(3))).toBe(3);
      },
    );

    it('rejects alone with its own error, and leaves nothing behind', async () => {
      const failed = commits.run(function* (): Transaction<number> {
        yield* insert(1)();
        throw bug;
      });
      await expect(failed).rejects.toBe(bug);
      expect([stored(), executed]).toEqual([[], ['begin immediate', 'rollback']]);
    });

    it.each([0, 250, SQL_LIMITS.commitBatchMax - 1])(
      'is isolated in few commits as number %i of a full batch, without blocking the event loop',
      async (bad) => {
        let turns = 0;
        const turn = () => {
          turns += 1;
          setImmediate(turn).unref();
        };
        turn();
        const runs = numbersTo(SQL_LIMITS.commitBatchMax).map((number) =>
          number === bad ? commits.run(() => thrower(bug)).catch(() => -1) : commits.run(insert(number)),
        );
        const results = await Promise.all(runs);
        expect(results).toEqual(numbersTo(SQL_LIMITS.commitBatchMax).map((number) => (number === bad ? -1 : number)));
        expect(stored()).toEqual(numbersTo(SQL_LIMITS.commitBatchMax).filter((number) => number !== bad));
        expect(times('begin immediate')).toBeLessThan(60);
        expect(turns).toBeGreaterThanOrEqual(times('begin immediate'));
      },
    );

    it('does not slow down later operations', async () => {
      await commits.run(() => thrower(bug)).catch(() => -1);
      await Promise.all(numbersTo(10).map((number) => commits.run(insert(number))));
      executed.length = 0;
      await Promise.all(numbersTo(10).map((number) => commits.run(insert(100 + number))));
      expect(times('commit')).toBe(1);
    });

    it('fails alone during close, too', async () => {
      const runs = [commits.run(insert(1)), commits.run(() => thrower(bug)).catch(() => -1), commits.run(insert(2))];
      commits.close();
      expect(await Promise.all(runs)).toEqual([1, -1, 2]);
      expect(stored()).toEqual([1, 2]);
    });
  });

  describe('while another connection holds the write lock', () => {
    it('waits without blocking the event loop, and commits once the lock is released', async () => {
      connection.exec(`pragma busy_timeout = ${SQL_LIMITS.sqliteTryMs}`);
      const other = await locked();
      const runs = [1, 2, 3].map((number) => commits.run(insert(number)));
      let turns = 0;
      while (times('begin immediate') < 3) {
        await new Promise((resolve) => setImmediate(resolve));
        turns += 1;
      }
      expect(turns).toBeGreaterThan(3);
      expect(times('commit')).toBe(0);
      other.exec('rollback');
      other.close();
      expect(await Promise.all(runs)).toEqual([1, 2, 3]);
      expect(times('commit')).toBe(1);
    });

    it('rejects in the end with the file and the remedy, and works again once the lock is free', async () => {
      jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'Date', 'queueMicrotask'] });
      const other = await locked();
      // More than fit one commit: they have all waited as long.
      const numbers = Array.from({ length: 2 * SQL_LIMITS.commitBatchMax + 3 }, (_, index) => index);
      const runs = numbers.map((number) => commits.run(insert(number)).catch((error: unknown) => error));
      let waitedMs = 0;
      for (; jest.getTimerCount() > 0 || times('begin immediate') === 0; waitedMs += SQL_LIMITS.sqliteTryMs) {
        jest.advanceTimersByTime(SQL_LIMITS.sqliteTryMs);
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (const error of await Promise.all(runs)) {
        expect(error).toBeInstanceOf(StoreUnavailableError);
        expect((error as Error).message).toMatch(/inbox\.db .*another process holds its write lock/);
      }
      // Each try may itself take as long as the pause after it.
      expect(2 * waitedMs).toBeLessThanOrEqual(SQL_LIMITS.sqliteBusyMs + 2 * SQL_LIMITS.sqliteTryMs);
      expect(2 * waitedMs).toBeGreaterThanOrEqual(SQL_LIMITS.sqliteBusyMs - 2 * SQL_LIMITS.sqliteTryMs);
      // What comes next is waited for as long as this was.
      executed.length = 0;
      const next = commits.run(insert(4));
      await until(() => times('begin immediate') > 0);
      other.exec('rollback');
      other.close();
      jest.advanceTimersByTime(SQL_LIMITS.sqliteTryMs);
      expect(await next).toBe(4);
      expect(stored()).toEqual([4]);
    });

    it('keeps the order of operations from before and during the wait, over several commits', async () => {
      const total = SQL_LIMITS.commitBatchMax + 2;
      const other = await locked();
      const runs = numbersTo(total - 1).map((number) => commits.run(insert(number)));
      await until(() => times('begin immediate') > 0);
      runs.push(commits.run(insert(total - 1)));
      other.exec('rollback');
      other.close();
      await Promise.all(runs);
      expect(stored()).toEqual(numbersTo(total));
      expect(times('commit')).toBe(2);
    });
  });

  describe('an engine that fails', () => {
    const engineError = (code: string, errcode: number) =>
      Object.assign(new Error('text of the engine'), { code, errcode });

    it.each([
      ['begin immediate', 'SQLITE_IOERR', 10, 'I/O error'],
      ['commit', 'SQLITE_IOERR_FSYNC', 1034, 'I/O error'],
      ['commit', 'SQLITE_FULL', 13, 'disk is full'],
    ])('at "%s" with %s rejects all operations of the commit, and stores none', async (sql, code, errcode, remedy) => {
      failing.set(sql, engineError(code, errcode));
      const runs = [1, 2, 3].map((number) => commits.run(insert(number)).catch((error: unknown) => error));
      for (const error of await Promise.all(runs)) {
        expect(error).toBeInstanceOf(StoreUnavailableError);
        expect((error as Error).message).toContain(remedy);
      }
      // One failure is not tried three times over: that would only take longer.
      expect(times(sql)).toBe(1);
      failing.clear();
      expect(await commits.run(insert(4))).toBe(4);
      expect(stored()).toEqual([4]);
    });

    it('rejects with the first error, even if the engine has rolled back by itself', async () => {
      failing.set('commit', engineError('SQLITE_FULL', 13));
      failing.set('rollback', new Error('cannot rollback - no transaction is active'));
      await expect(commits.run(insert(1))).rejects.toThrow('disk is full');
      connection.exec('rollback');
    });

    it('rejects if the disk is full, and works again once there is room', async () => {
      const [{ page_count: pages } = { page_count: 0 }] = connection.all('pragma page_count', []) as {
        page_count: number;
      }[];
      connection.exec(`pragma max_page_count = ${pages}`);
      const full = [1, 2].map((number) =>
        commits.run(insert(number, Buffer.alloc(100_000))).catch((error: unknown) => error),
      );
      for (const error of await Promise.all(full)) {
        expect(error).toBeInstanceOf(StoreUnavailableError);
        expect((error as Error).message).toMatch(/inbox\.db cannot be used: the disk is full/);
      }
      connection.exec('pragma max_page_count = 100000');
      expect(await commits.run(insert(3, Buffer.alloc(100_000)))).toBe(3);
      expect(stored()).toEqual([3]);
    });

    it('rejects if the file is read-only', async () => {
      connection.exec('pragma query_only = on');
      await expect(commits.run(insert(1))).rejects.toThrow(/read-only for this process; correct the permissions/);
      connection.exec('pragma query_only = off');
      expect(await commits.run(insert(1))).toBe(1);
    });
  });

  describe('closing', () => {
    it('commits all waiting operations, and rejects later ones', async () => {
      const total = SQL_LIMITS.commitBatchMax + 1;
      const waiting = numbersTo(total).map((number) => commits.run(insert(number)));
      commits.close();
      expect(stored()).toHaveLength(total);
      expect(await Promise.all(waiting)).toEqual(numbersTo(total));
      const refused = commits.run(insert(-1));
      await expect(refused).rejects.toThrow(StoreUnavailableError);
      await expect(refused).rejects.toThrow(/inbox\.db is closed/);
    });

    it('does not wait for a lock, and rejects waiting operations with the reason', async () => {
      const other = await locked();
      const waiting = commits.run(insert(1));
      await until(() => times('begin immediate') > 0);
      commits.close();
      await expect(waiting).rejects.toThrow(/another process holds its write lock/);
      other.close();
      expect(stored()).toEqual([]);
    });

    it('does nothing if called twice, or without waiting operations', () => {
      commits.close();
      commits.close();
      expect(executed).toEqual([]);
    });

    it('rejects operations that arrive during the last commit', async () => {
      let later: Promise<unknown> | undefined;
      const last = commits.run(function* () {
        later = commits.run(insert(2)).catch((error: unknown) => error);
        return yield* insert(1)();
      });
      commits.close();
      expect(await last).toBe(1);
      expect(await later).toBeInstanceOf(StoreUnavailableError);
    });
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

function thrower(thrown: unknown): never {
  throw thrown;
}
