import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { RetryLater } from 'nestjs-runhooks/core';
import { Bench, held, openStore, START, until } from './bench.js';
import { FailingStore } from './failing-store.js';

let bench: Bench;
let watched: FailingStore;

beforeEach(async () => {
  watched = new FailingStore(await openStore());
  bench = await Bench.open({ store: watched.store });
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'Date', 'queueMicrotask'] });
});

afterEach(async () => {
  jest.useRealTimers();
  await bench.close();
});

/** Timers and the clock of the bench go on together. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    bench.clock.advance(100);
    await jest.advanceTimersByTimeAsync(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('an idle dispatcher', () => {
  it('asks the store at most once a second', async () => {
    bench.on('handler', () => undefined);
    bench.dispatcher.start();
    await pass(2_000);
    watched.calls.length = 0;
    await pass(60_000);
    expect(watched.calls.length).toBeGreaterThan(50);
    expect(watched.calls.length).toBeLessThanOrEqual(60);
    expect(new Set(watched.calls)).toEqual(new Set(['nextDueAt']));
  });

  it('says in place of a look, every 20 seconds, that its process is alive', async () => {
    bench.on('handler', () => undefined);
    await bench.presence.start();
    bench.dispatcher.start();
    await pass(2_000);
    watched.calls.length = 0;
    await pass(60_000);
    expect(watched.calls.length).toBeGreaterThan(50);
    expect(watched.calls.length).toBeLessThanOrEqual(60);
    expect(new Set(watched.calls)).toEqual(new Set(['nextDueAt', 'register']));
    expect(watched.countOf('register')).toBe(3);
  });

  it('learns from that word what is due, as from any other look', async () => {
    const due = 20_500;
    let ranAtMs = 0;
    bench.on('handler', (_, { attempt }) => {
      if (attempt === 1) throw new RetryLater(due);
      ranAtMs = bench.clock.now().getTime() - START.getTime();
    });
    await bench.send();
    await bench.presence.start();
    bench.dispatcher.start();
    await pass(23_000);
    expect(ranAtMs).toBeGreaterThanOrEqual(due);
    expect(ranAtMs).toBeLessThanOrEqual(due + 1_200);
  });

  it('asks no more often for work that is due in an hour', async () => {
    bench.on('handler', (_, { attempt }) => {
      if (attempt === 1) throw new RetryLater(3_600_000);
    });
    await bench.send();
    bench.dispatcher.start();
    await pass(2_000);
    watched.calls.length = 0;
    await pass(60_000);
    expect(watched.calls.length).toBeLessThanOrEqual(60);
  });

  it('asks no more often while its handlers are busy and more is due', async () => {
    const { promise, release } = held();
    bench.on('handler', () => promise, { concurrency: 1 });
    for (let run = 0; run < 2; run++) await bench.send({ run: `${run}` });
    bench.dispatcher.start();
    await pass(2_000);
    watched.calls.length = 0;
    await pass(60_000);
    // A look, a claim of messages, one of tasks, and a renewal now and then.
    expect(watched.calls.length).toBeLessThanOrEqual(60 * 3 + 20);
    release();
    await until(async () => (await bench.inbox.counts()).deliveries.succeeded === 2);
  });

  it('asks no more often while a lane waits for a retry', async () => {
    const handling = { types: ['run.started', 'run.completed'], serialize: 'run' } as const;
    bench.on('handler', () => Promise.reject(new RetryLater(3_600_000)), handling);
    await bench.send({ types: ['run.started'] });
    await bench.send({ types: ['run.completed'] });
    bench.dispatcher.start();
    await pass(2_000);
    watched.calls.length = 0;
    await pass(60_000);
    // A look, and a claim of messages, of tasks and of deliveries.
    expect(watched.calls.length).toBeLessThanOrEqual(60 * 4);
  });

  it('reads at once what this process stores, without waiting for its next look', async () => {
    let ran = false;
    bench.on('handler', () => void (ran = true));
    bench.dispatcher.start();
    await pass(2_000);
    await bench.send();
    await until(() => ran);
  });

  it('finds within a second what another process stored', async () => {
    let ran = false;
    bench.on('handler', () => void (ran = true));
    bench.dispatcher.start();
    await pass(2_000);
    const other = await Bench.open({ store: bench.store, clock: bench.clock });
    await other.send();
    expect(ran).toBe(false);
    await pass(1_100);
    expect(ran).toBe(true);
  });

  it('tries again within a second of the time that was asked for', async () => {
    const attempts: number[] = [];
    bench.on('handler', (_, { attempt }) => {
      attempts.push(bench.clock.now().getTime());
      if (attempt === 1) throw new RetryLater(10_300);
    });
    await bench.send();
    bench.dispatcher.start();
    await pass(15_000);
    expect(attempts).toHaveLength(2);
    const waited = attempts[1]! - attempts[0]!;
    expect(waited).toBeGreaterThanOrEqual(10_300);
    expect(waited).toBeLessThanOrEqual(11_400);
  });

  it('goes on after a call that comes while it looks', async () => {
    let runs = 0;
    bench.on('handler', () => void (runs += 1));
    bench.dispatcher.start();
    for (let run = 0; run < 20; run++) await bench.send({ run: `${run}` });
    await until(() => runs === 20);
  });
});

describe('a dispatcher that is run until it is idle', () => {
  it('sees what became due while it looked', async () => {
    const [gate, looked] = [held(), held()];
    const attempts: number[] = [];
    bench.on('handler', async (_, { attempt }) => {
      attempts.push(attempt);
      await gate.promise;
      if (attempt === 1) throw new Error('fails once');
    });
    // Its end lets the dispatcher look again while the other still runs.
    bench.on('quick', () => undefined);
    // The answer that nothing is due is held back until the first attempt has failed and is due again.
    watched.answering = async (verb, result) => {
      if (verb !== 'claimDeliveries' || attempts.length !== 1 || (result as unknown[]).length > 0) return;
      gate.release();
      await until(() => bench.lines.some((line) => line.includes('Next attempt in')));
      looked.release();
    };
    await bench.send();
    await bench.idle();
    await looked.promise;
    expect(attempts).toEqual([1, 2]);
  });
});
