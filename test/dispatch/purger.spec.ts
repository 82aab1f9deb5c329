import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LIMITS, PermanentError } from 'nestjs-runhooks/core';
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
  it('removes a settled message with all that came of it when its time is over, and not before', async () => {
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

  it('keeps what is not done, however old: unread, waiting for a retry, or running', async () => {
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

  it('keeps dead letters for a time of their own, with what it takes to run them again', async () => {
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

  it('knows a duplicate long after its message is gone, and a run long after its events are', async () => {
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

  it('takes many small steps, between which others have their turn', async () => {
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

describe('purging with a clock that may be wrong', () => {
  const COUNT = 3 * LIMITS.purgeBrakeRowsMin;
  const YEAR = 365 * DAY;

  beforeEach(async () => {
    for (let run = 0; run < COUNT; run++) await harness.send({ run: `${run}`, as: 'test' });
    await harness.idle();
    await harness.presence.start();
    harness.lines.length = 0;
  });

  it('removes a few rows in an hour, knows duplicates, and says why, however often and by whom it is asked', async () => {
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
    // Right again.
    harness.clock.step(-YEAR);
    await harness.presence.renew();
    expect(await harness.inbox.purge()).toBe(0);
    expect(await messages()).toBe(COUNT - LIMITS.purgeBrakeRowsMin);
  });

  it('does the same in a process that starts with that clock, and in the one after it', async () => {
    await harness.presence.stop();
    harness.clock.step(YEAR);
    let removed = 0;
    for (let boot = 0; boot < 3; boot += 1) {
      const next = await DispatchHarness.open({ store: harness.store, clock: harness.clock, retention: RETENTION });
      await next.presence.start();
      removed += await next.inbox.purge();
      await next.presence.stop();
    }
    expect(removed).toBe(LIMITS.purgeBrakeRowsMin);
  });

  it('removes the rest when the clock has said so for a day', async () => {
    harness.clock.step(YEAR);
    await harness.presence.renew();
    for (let passedMs = 0; passedMs < LIMITS.purgeBrakeMs; passedMs += LIMITS.clockJumpMs / 2) {
      harness.clock.advance(LIMITS.clockJumpMs / 2);
      await harness.presence.renew();
    }
    // The messages, and their keys.
    expect(await harness.inbox.purge()).toBe(2 * COUNT);
  });

  it('says nothing of a brake while there is nothing to hold back', async () => {
    await harness.presence.stop();
    harness.clock.advance(DAY);
    await harness.presence.start();
    expect(await harness.inbox.purge()).toBe(0);
    expect(harness.lines).toEqual([]);
  });
});

describe('the purger', () => {
  const holdTimers = () => jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'Date', 'queueMicrotask'] });

  it('looks every few minutes, and lives through a store that fails', async () => {
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

  it('stops after the step that it is in, and for good', async () => {
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
