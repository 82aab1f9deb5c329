import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LIMITS, RetryLater } from 'nestjs-runhooks/core';
import { Bench, held, openStore, until } from './bench.js';
import { FailingStore } from './failing-store.js';

let bench: Bench;
let watched: FailingStore;

beforeEach(async () => {
  watched = new FailingStore(await openStore());
  bench = await Bench.open({ store: watched.store });
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'Date', 'queueMicrotask'] });
});

afterEach(async () => {
  watched.work();
  await bench.close();
  jest.useRealTimers();
});

/** Timers and the clock of the bench go on together. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1_000) {
    bench.clock.advance(1_000);
    await jest.advanceTimersByTimeAsync(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const another = (role: 'receiver' | 'dispatcher') => Bench.open({ store: bench.store, clock: bench.clock, role });
const roles = async () => (await bench.inbox.processes()).map(({ role }) => role).sort((a, b) => (a < b ? -1 : 1));

describe('a process', () => {
  it('is in the inbox with its handlers from its start to its stop', async () => {
    bench.on('handler', () => undefined);
    expect(await bench.inbox.processes()).toEqual([]);
    await bench.presence.start();
    const now = bench.clock.now();
    expect(await bench.inbox.processes()).toEqual([
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
    bench.on('later', () => undefined);
    await bench.presence.renew();
    expect((await bench.inbox.processes())[0]?.handlerIds).toEqual(['handler', 'later']);
    await bench.presence.stop();
    await bench.presence.stop();
    expect(await bench.inbox.processes()).toEqual([]);
  });

  it('that says nothing any more counts as gone after a minute, and what waits for its handlers can be seen', async () => {
    const crashed = await another('dispatcher');
    crashed.on('handler', () => undefined);
    await crashed.presence.start();
    await crashed.send();
    await bench.presence.start();
    bench.presence.keep();
    await bench.idle();
    await pass(LIMITS.processLapseMs);
    expect(await roles()).toEqual(['both', 'dispatcher']);
    expect(await bench.inbox.counts()).toMatchObject({ unattended: 0, dispatchers: 2 });
    await pass(1_000);
    expect(await roles()).toEqual(['both']);
    expect(await bench.inbox.counts()).toMatchObject({ unattended: 0, dispatchers: 1, tasks: 1 });
    expect(await bench.inbox.unattended()).toEqual([{ handlerId: 'handler', deliveries: 0, tasks: 1 }]);
    // It was only held up.
    await crashed.presence.renew();
    expect(await roles()).toEqual(['both', 'dispatcher']);
    await crashed.idle();
    expect((await bench.deliveries('handler')).map(({ state }) => state)).toEqual(['succeeded']);
  });

  it('that does not look for work says so every 20 seconds', async () => {
    await bench.presence.start();
    bench.presence.keep();
    watched.calls.length = 0;
    await pass(60_000);
    expect(watched.calls).toEqual(['register', 'register', 'register']);
    await bench.presence.stop();
    watched.calls.length = 0;
    await pass(60_000);
    expect(watched.calls).toEqual([]);
  });

  it('says so while its dispatcher has no rest', async () => {
    const { promise, release } = held();
    bench.on('busy', () => promise, { concurrency: 1 });
    await bench.send({ run: '1' });
    await bench.send({ run: '2' });
    await bench.presence.start();
    bench.dispatcher.start();
    watched.calls.length = 0;
    await pass(61_000);
    expect(watched.countOf('register')).toBe(3);
    release();
    await until(async () => (await bench.inbox.counts()).deliveries.succeeded === 2);
  });

  it('starts while the inbox cannot be written, says what is wrong, and registers when it can', async () => {
    watched.fail('register');
    await bench.presence.start();
    bench.presence.keep();
    expect(bench.lines).toEqual([expect.stringContaining('error: the inbox failed')]);
    watched.work();
    await pass(LIMITS.heartbeatMs);
    expect(await roles()).toEqual(['both']);
  });
});

describe('without a dispatcher', () => {
  it('what a receiver stores waits, visibly', async () => {
    const receiver = await another('receiver');
    receiver.on('handler', () => undefined);
    await receiver.presence.start();
    await receiver.send();
    expect(await receiver.inbox.counts()).toMatchObject({ messages: { stored: 1 }, dispatchers: 0 });
    const dispatcher = await another('dispatcher');
    dispatcher.on('handler', () => undefined);
    await dispatcher.presence.start();
    await dispatcher.idle();
    expect(await receiver.inbox.counts()).toMatchObject({ messages: { read: 1 }, dispatchers: 1 });
    expect(await receiver.outcome('handler')).toEqual(['succeeded', 'succeeded']);
  });

  it('deliveries for handlers that only a receiver has are unattended, and can be listed', async () => {
    bench.on('handler', (_, { attempt }) => {
      if (attempt === 1) throw new RetryLater(60_000);
    });
    bench.on('other', () => Promise.reject(new RetryLater(60_000)));
    await bench.send();
    await bench.idle();
    const receiver = await another('receiver');
    receiver.on('handler', () => undefined);
    await receiver.presence.start();
    const dispatcher = await another('dispatcher');
    dispatcher.on('other', () => undefined);
    await dispatcher.presence.start();
    expect(await bench.inbox.counts()).toMatchObject({ deliveries: { pending: 2 }, unattended: 1 });
    const list = async (query: Parameters<typeof bench.inbox.deliveries>[0]) =>
      (await bench.inbox.deliveries({ ...query, unattended: true })).items.map(({ handlerId }) => handlerId);
    expect(await list({})).toEqual(['handler']);
    expect(await list({ handlerIds: ['other'] })).toEqual([]);
    expect(await list({ handlerIds: ['handler', 'other'], state: 'pending' })).toEqual(['handler']);
    expect(await list({ state: 'dead' })).toEqual([]);
  });
});
