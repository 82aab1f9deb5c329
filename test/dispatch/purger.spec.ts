import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PermanentError } from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { DispatchHarness, openStore, until } from './dispatch-harness.js';
import { FailingStore } from './failing-store.js';

const DAY = 24 * 3_600_000;
const RETENTION = { finishedMs: 10 * DAY, deadMs: 20 * DAY, deduplicationMs: 30 * DAY };

let harness: DispatchHarness;
let watched: FailingStore;

beforeEach(async () => {
  watched = new FailingStore(await openStore());
  harness = await DispatchHarness.open({ store: watched.store, retention: RETENTION });
});

afterEach(async () => {
  jest.useRealTimers();
  await harness.close();
});

const messages = async () => (await harness.inbox.messages({}, { limit: 1_000 })).items.length;

describe('purging', () => {
  it('deletes a finished message with everything derived from it when its retention ends, not before', async () => {
    harness.on('handler', () => undefined);
    await harness.send();
    await harness.idle();
    harness.clock.advance(RETENTION.finishedMs);
    expect(await harness.inbox.purge()).toBe(0);
    expect(harness.lines).toEqual([]);
    harness.clock.advance(1);
    expect(await harness.inbox.purge()).toBeGreaterThan(0);
    expect(harness.lines).toEqual([expect.stringMatching(/^log: Purged 1 messages received before 2026-11-23T12:00/)]);
    const { deliveries, events } = await harness.inbox.counts();
    expect([await messages(), events, deliveries.succeeded]).toEqual([0, 0, 0]);
  });

  it('logs how many results and nodes it has deleted, if there are any', async () => {
    const numbers = [{ results: 2, nodes: 3 }];
    watched.beforeReturn = (verb, removed) => verb === 'purge' && Object.assign(removed as object, numbers.pop());
    expect(await harness.inbox.purge()).toBe(5);
    expect(harness.lines).toEqual([expect.stringMatching(/^log: Purged .*, results of 2 runs, 3 nodes, 0 checks and/)]);
  });

  it('keeps unfinished work of any age: unparsed, waiting for a retry, or running', async () => {
    let heals = false;
    harness.on(
      'handler',
      () => {
        if (!heals) throw new Error('not yet');
      },
      { retry: { attemptsMax: 100, delayMs: RETENTION.deduplicationMs } },
    );
    await harness.send();
    await harness.idle();
    await harness.send({ run: '2' });
    harness.clock.advance(RETENTION.deduplicationMs * 10);
    await harness.inbox.purge();
    expect(await messages()).toBe(2);
    heals = true;
    await harness.idle();
    expect((await harness.inbox.counts()).deliveries.succeeded).toBe(2);
  });

  it('keeps dead letters for their own retention, with everything needed to run them again', async () => {
    let heals = false;
    harness.on('handler', () => {
      if (!heals) throw new PermanentError('no');
    });
    await harness.send();
    await harness.idle();
    harness.clock.advance(RETENTION.finishedMs + 1);
    await harness.inbox.purge();
    heals = true;
    expect(await harness.inbox.redrive({ by: 'me' })).toBe(1);
    await harness.idle();
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'PermanentError', 'succeeded']);
  });

  it('recognizes a duplicate after its message is deleted, and a run after its events are deleted', async () => {
    let runs = 0;
    harness.on('handler', () => void (runs += 1));
    const id = await harness.send();
    await harness.idle();
    harness.clock.advance(RETENTION.deduplicationMs);
    await harness.inbox.purge();
    expect(await messages()).toBe(0);
    expect(await harness.send()).toBe(id);
    await harness.send({ id: 'another message about the same run' });
    await harness.idle();
    expect(runs).toBe(1);
  });

  it('deletes in many small steps with pauses for other work', async () => {
    const count = LIMITS.purgeRowsMax * 3;
    for (let run = 0; run < count; run++) await harness.send({ run: `${run}`, as: 'test' });
    await harness.idle();
    harness.clock.advance(RETENTION.finishedMs + 1);
    const order: string[] = [];
    const purged = harness.inbox.purge().then((rows) => {
      order.push('purged');
      return rows;
    });
    await harness.send({ run: 'new' }).then(() => order.push('stored'));
    expect(await purged).toBe(count);
    expect(order).toEqual(['stored', 'purged']);
    expect(watched.countOf('purge')).toBe(4);
  });
});

describe('purging with a wrong clock', () => {
  const COUNT = 3 * LIMITS.purgeBrakeRowsMin;
  const YEAR = 365 * DAY;

  beforeEach(async () => {
    for (let run = 0; run < COUNT; run++) await harness.send({ run: `${run}`, as: 'test' });
    await harness.idle();
    await harness.presence.start();
    harness.lines.length = 0;
  });

  it('deletes a few rows per hour, recognizes duplicates, and logs why, in every process and at every call', async () => {
    harness.clock.step(YEAR);
    expect(await harness.inbox.purge()).toBe(LIMITS.purgeBrakeRowsMin);
    await harness.presence.renew();
    expect(await harness.inbox.purge()).toBe(0);
    expect(await messages()).toBe(COUNT - LIMITS.purgeBrakeRowsMin);
    expect(harness.lines).toEqual([
      expect.stringMatching(
        /^log: Purged 20 messages received before 2027-11-13T12:00:00.000Z .* 0 deduplication keys/,
      ),
      expect.stringMatching(/^warn: Purging is held back until 2027-11-24.* jumped ahead by 365 days/),
      expect.stringMatching(/^warn: Clock jumped ahead by 365 days/),
    ]);
    // The clock is right again.
    harness.clock.step(-YEAR);
    await harness.presence.renew();
    expect(await harness.inbox.purge()).toBe(0);
    expect(await messages()).toBe(COUNT - LIMITS.purgeBrakeRowsMin);
  });

  it('deletes a few rows per hour in a process that starts with the wrong clock, and in the next one', async () => {
    await harness.presence.stop();
    harness.clock.step(YEAR);
    let removed = 0;
    for (let start = 0; start < 3; start += 1) {
      const next = await DispatchHarness.open({ store: harness.store, clock: harness.clock, retention: RETENTION });
      await next.presence.start();
      removed += await next.inbox.purge();
      await next.presence.stop();
    }
    expect(removed).toBe(LIMITS.purgeBrakeRowsMin);
  });

  it('deletes the rest when the clock has stayed at that time for a day', async () => {
    harness.clock.step(YEAR);
    await harness.presence.renew();
    for (let passedMs = 0; passedMs < LIMITS.purgeBrakeMs; passedMs += LIMITS.clockJumpMs / 2) {
      harness.clock.advance(LIMITS.clockJumpMs / 2);
      await harness.presence.renew();
    }
    // The number counts the messages and their deduplication keys.
    expect(await harness.inbox.purge()).toBe(2 * COUNT);
  });

  it('logs nothing about throttling while there is nothing to hold back', async () => {
    await harness.presence.stop();
    harness.clock.advance(DAY);
    await harness.presence.start();
    expect(await harness.inbox.purge()).toBe(0);
    expect(harness.lines).toEqual([]);
  });
});

describe('the purger', () => {
  const holdTimers = () => jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'Date', 'queueMicrotask'] });

  it('runs every few minutes and survives a failing store', async () => {
    holdTimers();
    harness.purger.start();
    harness.purger.start();
    watched.fail('purge');
    jest.advanceTimersByTime(LIMITS.purgeEveryMs);
    await until(() => harness.lines.length > 0);
    expect(harness.lines).toEqual([expect.stringMatching(/^error: Inbox is unavailable/)]);
    watched.work();
    jest.advanceTimersByTime(LIMITS.purgeEveryMs);
    await until(() => harness.lines.length > 1);
    expect(watched.countOf('purge')).toBe(2);
  });

  it('stops for good after its current step', async () => {
    for (let run = 0; run < LIMITS.purgeRowsMax * 3; run++) await harness.send({ run: `${run}`, as: 'test' });
    await harness.idle();
    harness.clock.advance(RETENTION.finishedMs + 1);
    holdTimers();
    harness.purger.start();
    jest.advanceTimersByTime(LIMITS.purgeEveryMs);
    await until(() => watched.countOf('purge') === 1);
    await harness.purger.stop();
    expect(await messages()).toBeGreaterThan(0);
    jest.advanceTimersByTime(LIMITS.purgeEveryMs * 10);
    expect(jest.getTimerCount()).toBe(0);
    expect(watched.countOf('purge')).toBeLessThan(4);
  });
});
