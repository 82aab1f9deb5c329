import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LIMITS, resolveHandlerOptions } from 'nestjs-runhooks/core';
import { Bench, openStore } from './bench.js';
import { FailingStore } from './failing-store.js';

const HOUR = 3_600_000;
const STARTED = { types: ['run.started'] } as const;

let bench: Bench;
let watched: FailingStore;
let barks: string[];

beforeEach(async () => {
  watched = new FailingStore(await openStore());
  bench = await Bench.open({ store: watched.store, retention: { settledMs: 0 } });
  barks = [];
});

afterEach(() => bench.close());

/** A handler that is told of runs that take longer than an hour. */
function watch(): void {
  bench.handlers.add({
    ...resolveHandlerOptions('watchdog', {}),
    label: 'watchdog',
    subscriptions: [{ on: { stuck: { afterMs: HOUR } }, filter: {} }],
    invoke: async ({ id }) => void barks.push(id),
  });
}

describe('a task', () => {
  it('that cannot be written, for however long, is done in the end, and never given up', async () => {
    watch();
    await bench.send(STARTED);
    await bench.idle();
    bench.clock.advance(HOUR);
    watched.fail('evaluate');
    for (let tries = 0; tries < LIMITS.taskClaimsMax + 2; tries++) {
      await expect(bench.idle()).rejects.toThrow('the disk is full');
      bench.clock.advance(LIMITS.leaseMs);
    }
    watched.work();
    await bench.idle();
    expect(barks).toEqual(['run.stuck:probe/1/1/watchdog']);
    expect(bench.lines.filter((line) => line.includes('given up'))).toEqual([]);
  });

  it('that is due waits for a process that does it, for at least a day, whatever the retention', async () => {
    watch();
    await bench.send(STARTED);
    await bench.idle();
    bench.clock.advance(HOUR + LIMITS.taskOverdueMs);
    await bench.inbox.purge();
    expect(await bench.inbox.counts()).toMatchObject({ tasks: 1, messages: { read: 1 } });
    bench.clock.advance(1);
    await bench.inbox.purge();
    expect(await bench.inbox.counts()).toMatchObject({ tasks: 0, messages: { read: 0 } });
  });
});
