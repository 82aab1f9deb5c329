import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { RetryLater } from 'nestjs-runhooks/core';
import { DispatchHarness, held, openStore, START, until } from './dispatch-harness.js';
import { FailingStore } from './failing-store.js';

let harness: DispatchHarness;
let watched: FailingStore;

beforeEach(async () => {
  watched = new FailingStore(await openStore());
  harness = await DispatchHarness.open({ store: watched.store });
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'Date', 'queueMicrotask'] });
});

afterEach(async () => {
  jest.useRealTimers();
  await harness.close();
});

/** Advances the timers and the clock of the harness together. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    harness.clock.advance(100);
    await jest.advanceTimersByTimeAsync(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('an idle worker', () => {
  it('queries the store at most once a second', async () => {
    harness.on('handler', () => undefined);
    harness.dispatcher.start();
    await pass(2_000);
    watched.calls.length = 0;
    await pass(60_000);
    expect(watched.calls.length).toBeGreaterThan(50);
    expect(watched.calls.length).toBeLessThanOrEqual(60);
    expect(new Set(watched.calls)).toEqual(new Set(['nextDueAt']));
  });

  it('sends a heartbeat every 20 seconds instead of a poll', async () => {
    harness.on('handler', () => undefined);
    await harness.presence.start();
    harness.dispatcher.start();
    await pass(2_000);
    watched.calls.length = 0;
    await pass(60_000);
    expect(watched.calls.length).toBeGreaterThan(50);
    expect(watched.calls.length).toBeLessThanOrEqual(60);
    expect(new Set(watched.calls)).toEqual(new Set(['nextDueAt', 'register']));
    expect(watched.countOf('register')).toBe(3);
  });

  it('learns from the heartbeat what is due, as from a poll', async () => {
    const due = 20_500;
    let ranAtMs = 0;
    harness.on('handler', (_, { attempt }) => {
      if (attempt === 1) throw new RetryLater(due);
      ranAtMs = harness.clock.now().getTime() - START.getTime();
    });
    await harness.send();
    await harness.presence.start();
    harness.dispatcher.start();
    await pass(23_000);
    expect(ranAtMs).toBeGreaterThanOrEqual(due);
    expect(ranAtMs).toBeLessThanOrEqual(due + 1_200);
  });

  it('polls no more often when work is due in an hour', async () => {
    harness.on('handler', (_, { attempt }) => {
      if (attempt === 1) throw new RetryLater(3_600_000);
    });
    await harness.send();
    harness.dispatcher.start();
    await pass(2_000);
    watched.calls.length = 0;
    await pass(60_000);
    expect(watched.calls.length).toBeLessThanOrEqual(60);
  });

  it('polls no more often while its handlers are busy and more work is due', async () => {
    const { promise, release } = held();
    harness.on('handler', () => promise, { concurrency: 1 });
    for (let run = 0; run < 2; run++) await harness.send({ run: `${run}` });
    harness.dispatcher.start();
    await pass(2_000);
    watched.calls.length = 0;
    await pass(60_000);
    // Each second has a poll, a claim of messages and a claim of tasks; lease renewals add a few calls.
    expect(watched.calls.length).toBeLessThanOrEqual(60 * 3 + 20);
    release();
    await until(async () => (await harness.inbox.counts()).deliveries.succeeded === 2);
  });

  it('polls no more often while a lane waits for a retry', async () => {
    const handling = { types: ['run.started', 'run.completed'], serialize: 'run' } as const;
    harness.on('handler', () => Promise.reject(new RetryLater(3_600_000)), handling);
    await harness.send({ types: ['run.started'] });
    await harness.send({ types: ['run.completed'] });
    harness.dispatcher.start();
    await pass(2_000);
    watched.calls.length = 0;
    await pass(60_000);
    // Each second has a poll and a claim of messages, of tasks and of deliveries.
    expect(watched.calls.length).toBeLessThanOrEqual(60 * 4);
  });

  it('parses at once what this process stores, without waiting for the next poll', async () => {
    let ran = false;
    harness.on('handler', () => void (ran = true));
    harness.dispatcher.start();
    await pass(2_000);
    await harness.send();
    await until(() => ran);
  });

  it('finds within a second what another process stored', async () => {
    let ran = false;
    harness.on('handler', () => void (ran = true));
    harness.dispatcher.start();
    await pass(2_000);
    const other = await DispatchHarness.open({ store: harness.store, clock: harness.clock });
    await other.send();
    expect(ran).toBe(false);
    await pass(1_100);
    expect(ran).toBe(true);
  });

  it('retries within a second of the requested time', async () => {
    const attempts: number[] = [];
    harness.on('handler', (_, { attempt }) => {
      attempts.push(harness.clock.now().getTime());
      if (attempt === 1) throw new RetryLater(10_300);
    });
    await harness.send();
    harness.dispatcher.start();
    await pass(15_000);
    expect(attempts).toHaveLength(2);
    const waited = attempts[1]! - attempts[0]!;
    expect(waited).toBeGreaterThanOrEqual(10_300);
    expect(waited).toBeLessThanOrEqual(11_400);
  });

  it('continues after a call that arrives during a poll', async () => {
    let runs = 0;
    harness.on('handler', () => void (runs += 1));
    harness.dispatcher.start();
    for (let run = 0; run < 20; run++) await harness.send({ run: `${run}` });
    await until(() => runs === 20);
  });
});

describe('runUntilIdle', () => {
  it('runs work that became due during its poll', async () => {
    const [gate, looked] = [held(), held()];
    const attempts: number[] = [];
    harness.on('handler', async (_, { attempt }) => {
      attempts.push(attempt);
      await gate.promise;
      if (attempt === 1) throw new Error('fails once');
    });
    // The end of this handler lets the worker poll again while the other handler still runs.
    harness.on('quick', () => undefined);
    // The test holds back the result that nothing is due until the first attempt has failed and is due again.
    watched.beforeReturn = async (verb, result) => {
      if (verb !== 'claimDeliveries' || attempts.length !== 1 || (result as unknown[]).length > 0) return;
      gate.release();
      await until(() => harness.lines.some((line) => line.includes('Retrying in')));
      looked.release();
    };
    await harness.send();
    await harness.idle();
    await looked.promise;
    expect(attempts).toEqual([1, 2]);
  });
});
