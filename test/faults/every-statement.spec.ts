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
import { LIFE, LOOKS } from './inbox-life.js';
import { FaultAt, ToldLife, type ToldCall } from './told-life.js';

/** How a call that fails leaves the transaction. */
type Effect = 'nothing happened' | 'the engine rolled back' | 'the commit happened' | 'nothing works from then on';

/** Each kind of failure with each effect that SQLite documents for it, told in the way of either driver. */
const FAULTS: readonly { fault: Fault; effect: Effect; shape: Shape }[] = [
  { fault: DISK_FULL, effect: 'nothing happened', shape: 'node:sqlite' },
  { fault: DISK_FULL, effect: 'the engine rolled back', shape: 'better-sqlite3' },
  { fault: WRITE_FAILED, effect: 'the engine rolled back', shape: 'node:sqlite' },
  { fault: WRITE_FAILED, effect: 'nothing works from then on', shape: 'better-sqlite3' },
  { fault: FSYNC_FAILED, effect: 'the commit happened', shape: 'better-sqlite3' },
  { fault: BUSY, effect: 'nothing happened', shape: 'node:sqlite' },
  { fault: BUSY_SNAPSHOT, effect: 'nothing happened', shape: 'better-sqlite3' },
];

onEveryDriver('an SQLite inbox', (driver) => {
  const directory = quickDirectory();
  let life: ToldLife;

  beforeAll(async () => {
    life = await ToldLife.tell(directory, driver);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('lives a whole life here, in which every chapter leaves a trace', () => {
    const { dumps, calls } = life;
    expect(LIFE.filter((_, index) => dumps[index] === dumps[index + 1]).map(({ title }) => title)).toEqual([]);
    expect(calls.length).toBeGreaterThan(100);
  });

  it('is whole, as before the operation or as after it, if the process is killed at any statement', async () => {
    for (const { chapter, index, sql, isCommitted } of life.calls) {
      const file = life.fileBefore(chapter);
      const copies: string[] = [];
      const copy = (): void => void copies.push(life.copyOf(file));
      const watch = new FaultAt(index, { before: copy, after: copy });
      const store = await openStore(file, driver, watchedConnect(watch));
      watch.arm();
      await LIFE[chapter]!.tell(store);
      const [before, after] = await Promise.all(copies.map((killed) => dumpInbox(killed, driver)));
      expect(before).toBe(life.dumps[chapter + Number(isCommitted)]);
      expect(after).toBe(life.dumps[chapter + Number(isCommitted || sql === 'commit')]);
      await store.close();
    }
  });

  describe.each(FAULTS)('$fault.name, and $effect', ({ fault, effect, shape }) => {
    const isWaitedFor = /BUSY|LOCKED/.test(fault.name);
    const isSpot = ({ sql, isCommitted }: ToldCall): boolean =>
      !isCommitted && (isWaitedFor ? sql === 'begin immediate' : effect !== 'the commit happened' || sql === 'commit');

    it(`at any statement ${isWaitedFor ? 'is waited for' : 'refuses the operation, whole, and it can be repeated'}`, async () => {
      for (const { chapter, index } of life.calls.filter(isSpot)) {
        const file = life.fileBefore(chapter);
        const watch = new FaultAt(index, failing(fault, effect, shape), effect === 'nothing works from then on');
        const store = await openStore(file, driver, watchedConnect(watch));
        const { tell } = LIFE[chapter]!;
        watch.arm();
        const failure = await failureOf(tell(store));
        if (isWaitedFor) expect(failure).toBeUndefined();
        else expectUnavailable(failure, file, fault);
        watch.heal();
        const isDone = isWaitedFor || effect === 'the commit happened';
        expect(await dumpInbox(file, driver)).toBe(life.dumps[chapter + Number(isDone)]);
        if (!isDone) await tell(store);
        expect(await dumpInbox(file, driver)).toBe(life.dumps[chapter + 1]);
        await store.close();
      }
    });
  });

  it('has done an operation that is committed, even if what follows the commit fails', async () => {
    const spots = life.calls.filter(({ isCommitted }) => isCommitted);
    expect(spots.map(({ sql }) => sql)).toEqual(['pragma wal_checkpoint(truncate)']);
    for (const { chapter, index } of spots) {
      const file = life.fileBefore(chapter);
      const watch = new FaultAt(index, failing(FSYNC_FAILED, 'nothing happened', driver));
      const store = await openStore(file, driver, watchedConnect(watch));
      watch.arm();
      expect(await failureOf(LIFE[chapter]!.tell(store))).toBeUndefined();
      expect(await dumpInbox(file, driver)).toBe(life.dumps[chapter + 1]);
      await store.close();
    }
  });

  it.each(LOOKS)('a look at $title fails with the file and the remedy, and is possible again', async ({ tell }) => {
    const file = life.fileBefore(LIFE.length - 1);
    const watch = new FaultAt(0, failing(CORRUPT, 'nothing happened', driver));
    const store = await openStore(file, driver, watchedConnect(watch));
    watch.arm();
    expectUnavailable(await failureOf(tell(store)), file, CORRUPT);
    await tell(store);
    await store.close();
  });
});

/** What is done in place of a call, or after it. */
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
    // There was no transaction.
  }
}
