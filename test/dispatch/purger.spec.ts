import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LIMITS, PermanentError } from 'nestjs-runhooks/core';
import { Bench, openStore, until } from './bench.js';
import { FailingStore } from './failing-store.js';

const DAY = 24 * 3_600_000;
const RETENTION = { settledMs: 10 * DAY, deadMs: 20 * DAY, keysMs: 30 * DAY };

let bench: Bench;
let watched: FailingStore;

beforeEach(async () => {
  watched = new FailingStore(await openStore());
  bench = await Bench.open({ store: watched.store, retention: RETENTION });
});

afterEach(async () => {
  jest.useRealTimers();
  await bench.close();
});

const messages = async () => (await bench.inbox.messages({}, { limit: 1_000 })).items.length;

describe('purging', () => {
  it('removes a settled message with all that came of it when its time is over, and not before', async () => {
    bench.on('handler', () => undefined);
    await bench.send();
    await bench.idle();
    bench.clock.advance(RETENTION.settledMs);
    expect(await bench.inbox.purge()).toBe(0);
    expect(bench.lines).toEqual([]);
    bench.clock.advance(1);
    expect(await bench.inbox.purge()).toBeGreaterThan(0);
    expect(bench.lines).toEqual([expect.stringMatching(/^log: Purged 1 messages received before 2026-11-23T12:00/)]);
    const { deliveries, events } = await bench.inbox.counts();
    expect([await messages(), events, deliveries.succeeded]).toEqual([0, 0, 0]);
  });

  it('keeps what is not done, however old: unread, waiting for a retry, or running', async () => {
    let heals = false;
    bench.on(
      'handler',
      () => {
        if (!heals) throw new Error('not yet');
      },
      { retry: { attemptsMax: 100, delayMs: RETENTION.keysMs } },
    );
    await bench.send();
    await bench.idle();
    await bench.send({ run: '2' });
    bench.clock.advance(RETENTION.keysMs * 10);
    await bench.inbox.purge();
    expect(await messages()).toBe(2);
    heals = true;
    await bench.idle();
    expect((await bench.inbox.counts()).deliveries.succeeded).toBe(2);
  });

  it('keeps dead letters for a time of their own, with what it takes to run them again', async () => {
    let heals = false;
    bench.on('handler', () => {
      if (!heals) throw new PermanentError('no');
    });
    await bench.send();
    await bench.idle();
    bench.clock.advance(RETENTION.settledMs + 1);
    await bench.inbox.purge();
    heals = true;
    expect(await bench.inbox.redrive({ by: 'me' })).toBe(1);
    await bench.idle();
    expect(await bench.outcome('handler')).toEqual(['succeeded', 'PermanentError', 'succeeded']);
  });

  it('knows a duplicate long after its message is gone, and a run long after its events are', async () => {
    let runs = 0;
    bench.on('handler', () => void (runs += 1));
    const id = await bench.send();
    await bench.idle();
    bench.clock.advance(RETENTION.keysMs);
    await bench.inbox.purge();
    expect(await messages()).toBe(0);
    expect(await bench.send()).toBe(id);
    await bench.send({ id: 'another message about the same run' });
    await bench.idle();
    expect(runs).toBe(1);
  });

  it('takes many small steps, between which others have their turn', async () => {
    const count = LIMITS.purgeRowsMax * 3;
    for (let run = 0; run < count; run++) await bench.send({ run: `${run}`, as: 'test' });
    await bench.idle();
    bench.clock.advance(RETENTION.settledMs + 1);
    const order: string[] = [];
    const purged = bench.inbox.purge().then((rows) => {
      order.push('purged');
      return rows;
    });
    await bench.send({ run: 'new' }).then(() => order.push('stored'));
    expect(await purged).toBe(count);
    expect(order).toEqual(['stored', 'purged']);
    expect(watched.countOf('purge')).toBe(4);
  });
});

describe('purging with a clock that may be wrong', () => {
  const COUNT = 3 * LIMITS.purgeBrakeRowsMin;
  const YEAR = 365 * DAY;

  beforeEach(async () => {
    for (let run = 0; run < COUNT; run++) await bench.send({ run: `${run}`, as: 'test' });
    await bench.idle();
    await bench.presence.start();
    bench.lines.length = 0;
  });

  it('removes a few rows in an hour, knows duplicates, and says why, however often and by whom it is asked', async () => {
    bench.clock.step(YEAR);
    expect(await bench.inbox.purge()).toBe(LIMITS.purgeBrakeRowsMin);
    await bench.presence.renew();
    expect(await bench.inbox.purge()).toBe(0);
    expect(await messages()).toBe(COUNT - LIMITS.purgeBrakeRowsMin);
    expect(bench.lines).toEqual([
      expect.stringMatching(/^log: Purged 20 messages received before 2027-11-13T12:00:00.000Z .* 0 duplicate keys/),
      expect.stringMatching(/^warn: Purging brakes until 2027-11-24.* moved on by 365 days at once/),
      expect.stringMatching(/^warn: The clock moved on by 365 days/),
    ]);
    // Right again.
    bench.clock.step(-YEAR);
    await bench.presence.renew();
    expect(await bench.inbox.purge()).toBe(0);
    expect(await messages()).toBe(COUNT - LIMITS.purgeBrakeRowsMin);
  });

  it('does the same in a process that starts with that clock, and in the one after it', async () => {
    await bench.presence.stop();
    bench.clock.step(YEAR);
    let removed = 0;
    for (let boot = 0; boot < 3; boot += 1) {
      const next = await Bench.open({ store: bench.store, clock: bench.clock, retention: RETENTION });
      await next.presence.start();
      removed += await next.inbox.purge();
      await next.presence.stop();
    }
    expect(removed).toBe(LIMITS.purgeBrakeRowsMin);
  });

  it('removes the rest when the clock has said so for a day', async () => {
    bench.clock.step(YEAR);
    await bench.presence.renew();
    for (let passedMs = 0; passedMs < LIMITS.purgeBrakeMs; passedMs += LIMITS.clockJumpMs / 2) {
      bench.clock.advance(LIMITS.clockJumpMs / 2);
      await bench.presence.renew();
    }
    // The messages, and their keys.
    expect(await bench.inbox.purge()).toBe(2 * COUNT);
  });

  it('says nothing of a brake while there is nothing to hold back', async () => {
    await bench.presence.stop();
    bench.clock.advance(DAY);
    await bench.presence.start();
    expect(await bench.inbox.purge()).toBe(0);
    expect(bench.lines).toEqual([]);
  });
});

describe('the purger', () => {
  const holdTimers = () => jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'Date', 'queueMicrotask'] });

  it('looks every few minutes, and lives through a store that fails', async () => {
    holdTimers();
    bench.purger.start();
    bench.purger.start();
    watched.fail('purge');
    jest.advanceTimersByTime(LIMITS.purgeEveryMs);
    await until(() => bench.lines.length > 0);
    expect(bench.lines).toEqual([expect.stringMatching(/^error: the inbox failed/)]);
    watched.work();
    jest.advanceTimersByTime(LIMITS.purgeEveryMs);
    await until(() => bench.lines.length > 1);
    expect(watched.countOf('purge')).toBe(2);
  });

  it('stops after the step that it is in, and for good', async () => {
    for (let run = 0; run < LIMITS.purgeRowsMax * 3; run++) await bench.send({ run: `${run}`, as: 'test' });
    await bench.idle();
    bench.clock.advance(RETENTION.settledMs + 1);
    holdTimers();
    bench.purger.start();
    jest.advanceTimersByTime(LIMITS.purgeEveryMs);
    await until(() => watched.countOf('purge') === 1);
    await bench.purger.stop();
    expect(await messages()).toBeGreaterThan(0);
    jest.advanceTimersByTime(LIMITS.purgeEveryMs * 10);
    expect(jest.getTimerCount()).toBe(0);
    expect(watched.countOf('purge')).toBeLessThan(4);
  });
});
