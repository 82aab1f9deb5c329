import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LIMITS, StoreUnavailableError, type Store } from 'nestjs-runhooks/core';
import { DispatchHarness, held, openStore, until } from './dispatch-harness.js';
import { FailingStore } from './failing-store.js';

/** Time goes by only where a test says so; the store needs setImmediate. */
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

/** Lets timers of the given time run, one after the other, with all that follows from each. */
async function letTimePass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    await jest.advanceTimersByTimeAsync(250);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const holdTimers = () => jest.useFakeTimers({ doNotFake: [...HELD_TIMERS.doNotFake] });
const failures = () => harness.lines.filter((line) => line.startsWith('error: Inbox is unavailable'));
const recoveries = () => harness.lines.filter((line) => line === 'log: Inbox is available again');

describe('a store that fails', () => {
  it.each([
    ['altogether', []],
    ['at claiming messages', ['claimMessages']],
    ['at recording what was read', ['record']],
    ['at claiming deliveries', ['claimDeliveries']],
    ['at writing, as on a full disk', ['append', 'claimMessages', 'record', 'claimDeliveries', 'renew', 'settle']],
  ] as [string, (keyof Store)[]][])('%s: the dispatcher lives, says so once, and goes on after', async (_, verbs) => {
    holdTimers();
    let runs = 0;
    harness.on('handler', () => void (runs += 1));
    await harness.send();
    failing.fail(...verbs);
    harness.dispatcher.start();
    await letTimePass(20_000);
    expect(runs).toBe(0);
    expect(failures()).toEqual([expect.stringContaining('StoreUnavailableError: the disk is full')]);
    expect(recoveries()).toEqual([]);
    failing.work();
    // What was claimed and not recorded comes back with the end of its lease.
    harness.clock.advance(LIMITS.leaseMs);
    await letTimePass(3_000);
    expect(runs).toBe(1);
    expect(recoveries()).toHaveLength(1);
    expect(failures()).toHaveLength(1);
  });

  it('is asked no more than a few times a second', async () => {
    holdTimers();
    failing.fail();
    harness.dispatcher.start();
    await letTimePass(60_000);
    expect(failing.calls.length).toBeGreaterThan(30);
    expect(failing.calls.length).toBeLessThanOrEqual(180);
  });

  it.each([
    ['undefined', undefined],
    ['a text', 'no'],
    ['an error of a bug', new TypeError('x is not a function')],
  ])('may fail with anything: %s', async (_, thrown) => {
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

  it('does not make a stop hang', async () => {
    harness.on('handler', () => undefined);
    await harness.send();
    failing.fail();
    harness.dispatcher.start();
    await until(() => failing.calls.length > 0);
    await harness.dispatcher.stop(0);
  });

  it('makes running until idle reject with what is wrong', async () => {
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
  ])('at recording a success, %s: it is recorded later, and the handler does not run again', async (_, afterEffect) => {
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

  it('for longer than a lease: the lease is kept by renewing it when the store is back', async () => {
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

  it('at renewing, does not abort it: that it lost its lease is not known', async () => {
    const handler = await runningHandler();
    failing.fail('renew');
    await letTimePass(LIMITS.leaseMs);
    expect(failing.countOf('renew')).toBeGreaterThan(0);
    failing.work();
    handler.release();
    await letTimePass(1_000);
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'succeeded']);
  });

  it('for a reason that no later try can mend, leaves the delivery to the end of its lease', async () => {
    const handler = await runningHandler();
    failing.error = () => new TypeError('value cannot be bound');
    failing.fail('settle');
    handler.release();
    await letTimePass(5_000);
    expect(failing.countOf('settle')).toBe(1);
  });

  it('and stays away, does not keep a shutdown waiting', async () => {
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
