import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { StoreUnavailableError, type Store } from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { CARRIED, DispatchHarness, held, openStore, until } from './dispatch-harness.js';
import { FailingStore } from './failing-store.js';

/** The test controls all timers except setImmediate, which the store needs. */
const HELD_TIMERS = { doNotFake: ['setImmediate', 'nextTick', 'Date', 'queueMicrotask', 'performance'] as const };

let failing: FailingStore;
let harness: DispatchHarness;

beforeEach(async () => {
  failing = new FailingStore(await openStore());
  harness = await DispatchHarness.open({ store: failing.store });
});

afterEach(async () => {
  jest.useRealTimers();
  failing.work();
  await harness.close();
});

/** Runs the timers of the given time one after the other, with all work that follows from each. */
async function letTimePass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    await jest.advanceTimersByTimeAsync(250);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const holdTimers = () => jest.useFakeTimers({ doNotFake: [...HELD_TIMERS.doNotFake] });
const failures = () => harness.lines.filter((line) => line.startsWith('error: Inbox is unavailable'));
const recoveries = () => harness.lines.filter((line) => line === 'log: Inbox is available again');

describe('a failing store', () => {
  it('is not called available again by a startup without rounds', async () => {
    failing.fail();
    await harness.presence.start();
    await harness.rounds.register();
    expect(failures()).toHaveLength(1);
    expect(recoveries()).toEqual([]);
  });

  it.each([
    ['altogether', []],
    ['at claiming messages', ['claimMessages']],
    ['at recording parsed messages', ['record']],
    ['at claiming deliveries', ['claimDeliveries']],
    ['at writing, as on a full disk', ['append', 'claimMessages', 'record', 'claimDeliveries', 'renew', 'settle']],
  ] as [string, (keyof Store)[]][])(
    'does not end the worker, is logged once, and lets it resume: %s',
    async (_, verbs) => {
      holdTimers();
      let runs = 0;
      harness.on('handler', () => void (runs += 1), CARRIED);
      await harness.send();
      failing.fail(...verbs);
      harness.dispatcher.start();
      await letTimePass(20_000);
      expect(runs).toBe(0);
      expect(failures()).toEqual([expect.stringContaining('StoreUnavailableError: the disk is full')]);
      expect(recoveries()).toEqual([]);
      failing.work();
      // A claimed but unrecorded message returns when its lease expires.
      harness.clock.advance(LIMITS.leaseMs);
      await letTimePass(3_000);
      expect(runs).toBe(1);
      expect(recoveries()).toHaveLength(1);
      expect(failures()).toHaveLength(1);
    },
  );

  it('is called no more than a few times a second', async () => {
    holdTimers();
    failing.fail();
    harness.dispatcher.start();
    await letTimePass(60_000);
    expect(failing.calls.length).toBeGreaterThan(30);
    expect(failing.calls.length).toBeLessThanOrEqual(180);
  });

  it.each([
    ['undefined', undefined],
    ['a string', 'no'],
    ['an error of a bug', new TypeError('x is not a function')],
  ])('may throw any value: %s', async (_, thrown) => {
    holdTimers();
    failing.error = () => thrown;
    harness.on('handler', () => undefined);
    await harness.send();
    failing.fail();
    harness.dispatcher.start();
    await letTimePass(2_000);
    failing.work();
    await letTimePass(2_000);
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'succeeded']);
  });

  it('does not block a stop', async () => {
    harness.on('handler', () => undefined);
    await harness.send();
    failing.fail();
    harness.dispatcher.start();
    await until(() => failing.calls.length > 0);
    await harness.dispatcher.stop(0);
  });

  it('makes runUntilIdle reject with the error', async () => {
    failing.fail();
    await expect(harness.idle()).rejects.toThrow(StoreUnavailableError);
  });
});

describe('a store that fails while a handler runs', () => {
  async function runningHandler() {
    const { promise, release } = held();
    let runs = 0;
    harness.on('handler', () => {
      runs += 1;
      return promise;
    });
    holdTimers();
    await harness.send();
    harness.dispatcher.start();
    await until(() => runs === 1);
    return { release, runs: () => runs };
  }

  it.each([
    ['without effect', false],
    ['after the effect', true],
  ])('records the success later without running the handler again: %s', async (_, afterEffect) => {
    const handler = await runningHandler();
    failing.afterEffect = afterEffect;
    failing.fail('settle');
    handler.release();
    await letTimePass(5_000);
    expect(failing.countOf('settle')).toBeGreaterThan(1);
    failing.work();
    await letTimePass(2_000);
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'succeeded']);
    harness.clock.advance(LIMITS.leaseMs);
    await letTimePass(2_000);
    expect(handler.runs()).toBe(1);
    expect(harness.lines.join()).not.toContain('taken over');
  });

  it('renews the lease when it is back after more than a lease time', async () => {
    const handler = await runningHandler();
    failing.fail();
    handler.release();
    for (let thirds = 0; thirds < 9; thirds++) {
      harness.clock.advance(LIMITS.leaseMs / 3);
      await letTimePass(LIMITS.leaseMs / 3);
    }
    failing.work();
    await letTimePass(2_000);
    expect(handler.runs()).toBe(1);
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'succeeded']);
  });

  it('does not abort the handler when it fails at renewing, because the lease may still be held', async () => {
    const handler = await runningHandler();
    failing.fail('renew');
    await letTimePass(LIMITS.leaseMs);
    expect(failing.countOf('renew')).toBeGreaterThan(0);
    failing.work();
    handler.release();
    await letTimePass(1_000);
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'succeeded']);
  });

  it('leaves the delivery until its lease expires when no retry can succeed', async () => {
    const handler = await runningHandler();
    failing.error = () => new TypeError('value cannot be bound');
    failing.fail('settle');
    handler.release();
    await letTimePass(5_000);
    expect(failing.countOf('settle')).toBe(1);
  });

  it('does not delay a shutdown when it stays unavailable', async () => {
    const handler = await runningHandler();
    failing.fail();
    handler.release();
    await letTimePass(2_000);
    let stopped = false;
    void harness.dispatcher.stop(1_000).then(() => (stopped = true));
    await letTimePass(3_000);
    expect(stopped).toBe(true);
  });
});
