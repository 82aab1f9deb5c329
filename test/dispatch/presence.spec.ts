import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { RetryLater, type Store } from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { DispatchHarness, held, openStore, until } from './dispatch-harness.js';
import { FailingStore } from './failing-store.js';

let harness: DispatchHarness;
let watched: FailingStore;
let inbox: Store;

beforeEach(async () => {
  inbox = await openStore();
  watched = new FailingStore(inbox);
  harness = await DispatchHarness.open({ store: watched.store });
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'Date', 'queueMicrotask'] });
});

afterEach(async () => {
  watched.work();
  await harness.close();
  jest.useRealTimers();
});

/** Advances the timers and the clock of the harness together. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    harness.clock.advance(1_000);
    await jest.advanceTimersByTimeAsync(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const another = (role: 'receiver' | 'worker') =>
  DispatchHarness.open({ store: harness.store, clock: harness.clock, role });
const roles = async () => (await harness.inbox.processes()).map(({ role }) => role).sort((a, b) => (a < b ? -1 : 1));

describe('process registration', () => {
  it('lists a process with its handlers from its start to its stop', async () => {
    harness.on('handler', () => undefined);
    expect(await harness.inbox.processes()).toEqual([]);
    await harness.presence.start();
    const now = harness.clock.now();
    expect(await harness.inbox.processes()).toEqual([
      {
        id: expect.any(String),
        role: 'both',
        label: expect.stringContaining(` ${process.pid}`),
        startedAt: now,
        seenAt: now,
        clockAheadMs: 0,
        handlerIds: ['handler'],
        abandoned: [],
      },
    ]);
    harness.on('later', () => undefined);
    await harness.presence.renew();
    expect((await harness.inbox.processes())[0]?.handlerIds).toEqual(['handler', 'later']);
    await harness.presence.stop();
    await harness.presence.stop();
    expect(await harness.inbox.processes()).toEqual([]);
  });

  it('counts a process as gone a minute after its last heartbeat, and lists its handlers as missing', async () => {
    const crashed = await another('worker');
    crashed.on('handler', () => undefined);
    await crashed.presence.start();
    await crashed.send();
    await harness.presence.start();
    harness.presence.keep();
    await harness.idle();
    await pass(LIMITS.processLapseMs);
    expect(await roles()).toEqual(['both', 'worker']);
    expect(await harness.inbox.counts()).toMatchObject({ missingHandlers: 0, workers: 2 });
    await pass(1_000);
    expect(await roles()).toEqual(['both']);
    expect(await harness.inbox.counts()).toMatchObject({ missingHandlers: 0, workers: 1, checks: 1 });
    expect(await harness.inbox.missingHandlers()).toEqual([{ handlerId: 'handler', deliveries: 0, checks: 1 }]);
    // The process was only delayed, so it registers again.
    await crashed.presence.renew();
    expect(await roles()).toEqual(['both', 'worker']);
    await crashed.idle();
    expect((await harness.deliveries('handler')).map(({ state }) => state)).toEqual(['succeeded']);
  });

  it('sends a heartbeat every 20 seconds in a process that does not poll', async () => {
    await harness.presence.start();
    harness.presence.keep();
    watched.calls.length = 0;
    await pass(60_000);
    expect(watched.calls).toEqual(['register', 'register', 'register']);
    await harness.presence.stop();
    watched.calls.length = 0;
    await pass(60_000);
    expect(watched.calls).toEqual([]);
  });

  it('sends a late heartbeat while a pass of the worker takes long', async () => {
    const { promise, release } = held();
    await harness.presence.start();
    watched.beforeReturn = (verb) => (verb === 'claimMessages' ? promise : undefined);
    harness.dispatcher.start();
    const before = watched.countOf('register');
    await pass(LIMITS.heartbeatLateMs + LIMITS.heartbeatMs);
    expect(watched.countOf('register')).toBeGreaterThan(before);
    const [listed] = await harness.inbox.processes();
    expect(harness.clock.now().getTime() - listed!.seenAt.getTime()).toBeLessThan(
      LIMITS.processLapseMs - LIMITS.heartbeatMs,
    );
    release();
  });

  it('sends a heartbeat while the worker is continuously busy', async () => {
    const { promise, release } = held();
    harness.on('busy', () => promise, { concurrency: 1 });
    await harness.send({ run: '1' });
    await harness.send({ run: '2' });
    await harness.presence.start();
    harness.dispatcher.start();
    watched.calls.length = 0;
    await pass(61_000);
    expect(watched.countOf('register')).toBe(3);
    release();
    await until(async () => (await harness.inbox.counts()).deliveries.succeeded === 2);
  });

  it('releases the work of another process of its host when that process ends, without waiting for a heartbeat', async () => {
    const neighbor = spawn(process.execPath, ['--eval', 'process.stdin.resume()']);
    const ended = once(neighbor, 'exit');
    const attempts: number[] = [];
    harness.on('handler', (_, { attempt }) => void attempts.push(attempt));
    const registered = jest.spyOn(inbox, 'register');
    await harness.presence.start();
    const [registration, now] = registered.mock.calls[0]!;
    const place = { processId: 'neighbor', pid: neighbor.pid!, lease: 'neighbor' };
    await inbox.register({ ...registration, ...place }, now);
    await harness.presence.renew();
    await harness.send();
    const claim = { now, leaseMs: LIMITS.leaseMs, limit: 1, lease: 'neighbor.1', sources: ['probe'] };
    expect(await inbox.claimMessages(claim)).toHaveLength(1);
    harness.dispatcher.start();
    await pass(3_000);
    expect(attempts).toEqual([]);
    neighbor.kill('SIGKILL');
    await ended;
    registered.mockClear();
    await pass(3_000);
    await until(() => attempts.length === 1);
    expect(registered).toHaveBeenCalledTimes(1);
  });

  it('starts with a warning while the inbox cannot be written, and registers once it can', async () => {
    watched.fail('register');
    await harness.presence.start();
    harness.presence.keep();
    expect(harness.lines).toEqual([expect.stringContaining('error: Inbox is unavailable')]);
    watched.work();
    await pass(LIMITS.heartbeatMs);
    expect(await roles()).toEqual(['both']);
  });
});

describe('an inbox without a worker', () => {
  it('keeps what a receiver stores and shows it as waiting', async () => {
    const receiver = await another('receiver');
    receiver.on('handler', () => undefined);
    await receiver.presence.start();
    await receiver.send();
    expect(await receiver.inbox.counts()).toMatchObject({ messages: { stored: 1 }, workers: 0 });
    const dispatcher = await another('worker');
    dispatcher.on('handler', () => undefined);
    await dispatcher.presence.start();
    await dispatcher.idle();
    expect(await receiver.inbox.counts()).toMatchObject({ messages: { parsed: 1 }, workers: 1 });
    expect(await receiver.outcome('handler')).toEqual(['succeeded', 'succeeded']);
  });

  it('lists deliveries for handlers that only a receiver has as missing handlers', async () => {
    harness.on('handler', (_, { attempt }) => {
      if (attempt === 1) throw new RetryLater(60_000);
    });
    harness.on('other', () => Promise.reject(new RetryLater(60_000)));
    await harness.send();
    await harness.idle();
    const receiver = await another('receiver');
    receiver.on('handler', () => undefined);
    await receiver.presence.start();
    const dispatcher = await another('worker');
    dispatcher.on('other', () => undefined);
    await dispatcher.presence.start();
    expect(await harness.inbox.counts()).toMatchObject({ deliveries: { pending: 2 }, missingHandlers: 1 });
    const list = async (query: Parameters<typeof harness.inbox.deliveries>[0]) =>
      (await harness.inbox.deliveries({ ...query, missingHandlers: true })).items.map(({ handlerId }) => handlerId);
    expect(await list({})).toEqual(['handler']);
    expect(await list({ handlerIds: ['other'] })).toEqual([]);
    expect(await list({ handlerIds: ['handler', 'other'], state: 'pending' })).toEqual(['handler']);
    expect(await list({ state: 'dead' })).toEqual([]);
  });
});
