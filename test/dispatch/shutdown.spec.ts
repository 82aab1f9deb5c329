import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ShutdownError } from 'nestjs-runhooks/core';
import { LIMITS, type DeliveryContext } from 'nestjs-runhooks/internal';
import { DispatchHarness, held, openStore, until } from './dispatch-harness.js';
import { FailingStore } from './failing-store.js';

let harness: DispatchHarness;
let watched: FailingStore;

beforeEach(async () => {
  watched = new FailingStore(await openStore());
  harness = await DispatchHarness.open({ store: watched.store });
});

afterEach(async () => {
  jest.useRealTimers();
  await harness.close();
});

async function running(run: (delivery: DeliveryContext) => unknown, options = {}) {
  let runs = 0;
  harness.on(
    'handler',
    (_, delivery) => {
      runs += 1;
      return run(delivery);
    },
    options,
  );
  await harness.send();
  harness.dispatcher.start();
  await until(() => runs > 0);
  return { runs: () => runs };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

/** Runs the timers and returns how much of their time passed until the promise settled. */
async function timeUntil(promise: Promise<unknown>): Promise<number> {
  let [over, passed] = [false, 0];
  void promise.then(() => (over = true));
  await until(() => {
    if (!over) {
      jest.advanceTimersByTime(100);
      passed += 100;
    }
    return over;
  });
  return passed;
}

/** Returns the latest time at which a stop must be over. */
const endOf = (drainMs: number) => drainMs + LIMITS.drainGraceMs + 1_000;

const holdTimers = () => jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'Date', 'queueMicrotask'] });

describe('stopping the worker', () => {
  it('waits for running handlers without aborting them, and records them', async () => {
    const { promise, release } = held();
    let signal: AbortSignal | undefined;
    await running((delivery) => {
      ({ signal } = delivery);
      return promise;
    });
    let over = false;
    const stopped = harness.dispatcher.stop(60_000).then(() => (over = true));
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect([over, signal?.aborted]).toEqual([false, false]);
    release();
    await stopped;
    expect(signal?.aborted).toBe(false);
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'succeeded']);
  });

  it('claims nothing new', async () => {
    const { promise, release } = held();
    const handler = await running(() => promise, { concurrency: 1 });
    const stopped = harness.dispatcher.stop(60_000);
    const claims = () => watched.countOf('claimDeliveries') + watched.countOf('claimMessages');
    const before = claims();
    await harness.send({ run: '2' });
    release();
    await stopped;
    expect(claims()).toBe(before);
    expect(handler.runs()).toBe(1);
    expect((await harness.inbox.counts()).messages.stored).toBe(1);
    harness.dispatcher.wake();
    await harness.idle();
    expect(claims()).toBe(before);
  });

  it('starts no further delivery of a pass in progress', async () => {
    const claimDeliveries = harness.store.claimDeliveries.bind(harness.store);
    const { promise, release } = held();
    let ran = 0;
    for (const id of ['a', 'b', 'c']) harness.on(id, () => void (ran += 1), { concurrency: 1 });
    watched.store.claimDeliveries = async (claim) => {
      await promise;
      return claimDeliveries(claim);
    };
    await harness.send();
    harness.dispatcher.start();
    await until(() => watched.countOf('record') === 1);
    const stopped = harness.dispatcher.stop(60_000);
    release();
    await stopped;
    expect(ran).toBeLessThanOrEqual(1);
  });

  it('aborts a handler that exceeds the drain time and makes it due at once, even at its last attempt', async () => {
    await running(({ signal }) => aborted(signal).then(() => Promise.reject(signal.reason as Error)), { retry: false });
    await harness.dispatcher.stop(1);
    expect(await harness.outcome('handler')).toEqual(['pending', 'ShutdownError']);
    const next = await DispatchHarness.open({ store: harness.store, clock: harness.clock });
    let attempt: number | undefined;
    next.on('handler', (_, delivery) => void ({ attempt } = delivery), { retry: false });
    await next.idle();
    expect(attempt).toBe(2);
    expect((await harness.inbox.counts()).deliveries).toMatchObject({ succeeded: 1, dead: 0 });
  });

  it('records a success when a handler succeeds after its abort', async () => {
    await running(({ signal }) => aborted(signal));
    await harness.dispatcher.stop(1);
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'succeeded']);
  });

  it('ends on time when a handler never returns, and releases its lease', async () => {
    let reason: unknown;
    holdTimers();
    await running(({ signal }) => {
      signal.addEventListener('abort', () => ({ reason } = signal));
      return new Promise(() => undefined);
    });
    expect(await timeUntil(harness.dispatcher.stop(2_000))).toBeLessThanOrEqual(endOf(2_000));
    expect(reason).toBeInstanceOf(ShutdownError);
    expect((await harness.deliveries('handler'))[0]).toMatchObject({ state: 'pending', dueAt: harness.clock.now() });
  });

  it('ends on time when such a handler times out during the stop', async () => {
    await harness.close();
    harness = await DispatchHarness.open({ abortGraceMs: LIMITS.abortGraceMs });
    holdTimers();
    await running(() => new Promise(() => undefined), { timeoutMs: 3_000 });
    expect(await timeUntil(harness.dispatcher.stop(2_000))).toBeLessThanOrEqual(endOf(2_000));
  });

  it('leaves no timer behind', async () => {
    holdTimers();
    harness.purger.start();
    await running(() => undefined);
    await until(async () => (await harness.outcome('handler'))[0] === 'succeeded');
    await timeUntil(harness.dispatcher.stop(2_000));
    await harness.purger.stop();
    harness.receiver.stop();
    expect(jest.getTimerCount()).toBe(0);
  });

  it.each(['before it was started', 'twice', 'twice at the same time'])('succeeds %s', async (how) => {
    if (how !== 'before it was started') await running(() => undefined);
    const first = harness.dispatcher.stop(0);
    if (how === 'twice') await first;
    await Promise.all([first, harness.dispatcher.stop(0)]);
  });

  it('resolves a pending runUntilIdle', async () => {
    const { promise, release } = held();
    let began = false;
    harness.on('handler', () => {
      began = true;
      return promise;
    });
    await harness.send();
    const idle = harness.idle();
    await until(() => began);
    const stopped = harness.dispatcher.stop(60_000);
    release();
    await Promise.all([idle, stopped]);
  });
});
