import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SqliteConnection } from 'inside/sqlite-connection';
import { onEveryDriver, openStore, quickDirectory } from '../model/sqlite-files.js';
import {
  BUSY,
  BUSY_SNAPSHOT,
  CORRUPT,
  DISK_FULL,
  FSYNC_FAILED,
  SHAPES,
  WRITE_FAILED,
  type Fault,
  type Shape,
} from './driver-errors.js';
import { failureOf } from './failure-of.js';
import { expectUnavailable } from './failure.js';
import { watchedConnect, type CallWatch } from './faulty-connection.js';
import { dumpInbox } from './inbox-dump.js';
import { OPERATIONS, QUERIES } from './store-operations.js';
import { FaultAt, RecordedOperations, type RecordedCall } from './recorded-operations.js';

/** The state in which a failing call leaves the transaction. */
type Effect = 'nothing happened' | 'the engine rolled back' | 'the commit happened' | 'every later call fails';

/** Each failure with each effect that SQLite documents for it, in the form of either driver. */
const FAULTS: readonly { fault: Fault; effect: Effect; shape: Shape }[] = [
  { fault: DISK_FULL, effect: 'nothing happened', shape: 'node:sqlite' },
  { fault: DISK_FULL, effect: 'the engine rolled back', shape: 'better-sqlite3' },
  { fault: WRITE_FAILED, effect: 'the engine rolled back', shape: 'node:sqlite' },
  { fault: WRITE_FAILED, effect: 'every later call fails', shape: 'better-sqlite3' },
  { fault: FSYNC_FAILED, effect: 'the commit happened', shape: 'better-sqlite3' },
  { fault: BUSY, effect: 'nothing happened', shape: 'node:sqlite' },
  { fault: BUSY_SNAPSHOT, effect: 'nothing happened', shape: 'better-sqlite3' },
];

onEveryDriver('an SQLite inbox', (driver) => {
  const directory = quickDirectory();
  let recorded: RecordedOperations;

  beforeAll(async () => {
    recorded = await RecordedOperations.record(directory, driver);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('changes with every recorded operation, so that each one is tested', () => {
    const { dumps, calls } = recorded;
    expect(OPERATIONS.filter((_, index) => dumps[index] === dumps[index + 1]).map(({ title }) => title)).toEqual([]);
    expect(calls.length).toBeGreaterThan(100);
  });

  it('contains an operation completely or not at all when the process is killed at any statement', async () => {
    for (const { operation, index, sql, isCommitted } of recorded.calls) {
      const file = recorded.fileBefore(operation);
      const copies: string[] = [];
      const copy = (): void => void copies.push(recorded.copyOf(file));
      const watch = new FaultAt(index, { before: copy, after: copy });
      const store = await openStore(file, driver, watchedConnect(watch));
      watch.arm();
      await OPERATIONS[operation]!.run(store);
      const [before, after] = await Promise.all(copies.map((killed) => dumpInbox(killed, driver)));
      expect(before).toBe(recorded.dumps[operation + Number(isCommitted)]);
      expect(after).toBe(recorded.dumps[operation + Number(isCommitted || sql === 'commit')]);
      await store.close();
    }
  });

  describe.each(FAULTS)('$fault.name, and $effect', ({ fault, effect, shape }) => {
    const isWaitedFor = /BUSY|LOCKED/.test(fault.name);
    const isSpot = ({ sql, isCommitted }: RecordedCall): boolean =>
      !isCommitted && (isWaitedFor ? sql === 'begin immediate' : effect !== 'the commit happened' || sql === 'commit');

    it(`${isWaitedFor ? 'waits when a statement is busy' : 'rejects the whole operation when any statement fails, and accepts it again'}`, async () => {
      for (const { operation, index } of recorded.calls.filter(isSpot)) {
        const file = recorded.fileBefore(operation);
        const watch = new FaultAt(index, failing(fault, effect, shape), effect === 'every later call fails');
        const store = await openStore(file, driver, watchedConnect(watch));
        const { run } = OPERATIONS[operation]!;
        watch.arm();
        const failure = await failureOf(run(store));
        if (isWaitedFor) expect(failure).toBeUndefined();
        else expectUnavailable(failure, file, fault);
        watch.heal();
        const isDone = isWaitedFor || effect === 'the commit happened';
        expect(await dumpInbox(file, driver)).toBe(recorded.dumps[operation + Number(isDone)]);
        if (!isDone) await run(store);
        expect(await dumpInbox(file, driver)).toBe(recorded.dumps[operation + 1]);
        await store.close();
      }
    });
  });

  it('reports a committed operation as done when a later statement fails', async () => {
    const spots = recorded.calls.filter(({ isCommitted }) => isCommitted);
    expect(spots.map(({ sql }) => sql)).toEqual(['pragma wal_checkpoint(truncate)']);
    for (const { operation, index } of spots) {
      const file = recorded.fileBefore(operation);
      const watch = new FaultAt(index, failing(FSYNC_FAILED, 'nothing happened', driver));
      const store = await openStore(file, driver, watchedConnect(watch));
      watch.arm();
      expect(await failureOf(OPERATIONS[operation]!.run(store))).toBeUndefined();
      expect(await dumpInbox(file, driver)).toBe(recorded.dumps[operation + 1]);
      await store.close();
    }
  });

  it.each(QUERIES)('rejects reading $title with the file and the fix, and accepts it again', async ({ run }) => {
    const file = recorded.fileBefore(OPERATIONS.length - 1);
    const watch = new FaultAt(0, failing(CORRUPT, 'nothing happened', driver));
    const store = await openStore(file, driver, watchedConnect(watch));
    watch.arm();
    expectUnavailable(await failureOf(run(store)), file, CORRUPT);
    await run(store);
    await store.close();
  });
});

/** Returns a watch that makes a call fail, instead of running it or after it ran. */
function failing(fault: Fault, effect: Effect, shape: Shape): CallWatch {
  const fail = (): never => {
    throw SHAPES[shape](fault);
  };
  if (effect === 'the commit happened') return { after: fail };
  if (effect !== 'the engine rolled back') return { before: fail };
  return {
    before: (_, connection) => {
      rollBack(connection);
      fail();
    },
  };
}

function rollBack(connection: SqliteConnection): void {
  try {
    connection.exec('rollback');
  } catch {
    // No transaction was open.
  }
}
