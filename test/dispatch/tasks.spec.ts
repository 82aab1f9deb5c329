import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LIMITS, resolveHandlerOptions } from 'nestjs-runhooks/internal';
import { DispatchHarness, openStore } from './dispatch-harness.js';
import { FailingStore } from './failing-store.js';

const HOUR = 3_600_000;
const STARTED = { types: ['run.started'] } as const;

let harness: DispatchHarness;
let watched: FailingStore;
let reports: string[];

beforeEach(async () => {
  watched = new FailingStore(await openStore());
  harness = await DispatchHarness.open({ store: watched.store, retention: { finishedMs: 0 } });
  reports = [];
});

afterEach(() => harness.close());

/** Adds a handler for runs that take longer than an hour. */
function watch(): void {
  harness.handlers.add({
    ...resolveHandlerOptions('watchdog', {}),
    label: 'watchdog',
    subscriptions: [{ on: { stuck: { afterMs: HOUR } }, filter: {} }],
    invoke: async ({ id }) => void reports.push(id),
  });
}

describe('checks of the inbox', () => {
  it('are done eventually, and never abandoned, when they cannot be written for a long time', async () => {
    watch();
    await harness.send(STARTED);
    await harness.idle();
    harness.clock.advance(HOUR);
    watched.fail('evaluate');
    for (let tries = 0; tries < LIMITS.taskClaimsMax + 2; tries++) {
      await expect(harness.idle()).rejects.toThrow('the disk is full');
      harness.clock.advance(LIMITS.leaseMs);
    }
    watched.work();
    await harness.idle();
    expect(reports).toEqual(['run.stuck:probe/1/1/watchdog']);
    expect(harness.lines.filter((line) => line.includes('given up'))).toEqual([]);
  });

  it('wait at least a day for a process that can do them, whatever the retention', async () => {
    watch();
    await harness.send(STARTED);
    await harness.idle();
    harness.clock.advance(HOUR + LIMITS.taskOverdueMs);
    await harness.inbox.purge();
    expect(await harness.inbox.counts()).toMatchObject({ checks: 1, messages: { parsed: 1 } });
    harness.clock.advance(1);
    await harness.inbox.purge();
    expect(await harness.inbox.counts()).toMatchObject({ checks: 0, messages: { parsed: 0 } });
  });
});
