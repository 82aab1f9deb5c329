import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  StoreUnavailableError,
  type Entry,
  type NewMessage,
  type Registration,
  type Store,
} from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { DispatchHarness, held, openStore, until, type HarnessOptions } from './dispatch-harness.js';
import { FailingStore } from './failing-store.js';
import { ProbeProvider, SIGNATURE } from './probe-provider.js';

const SMALL = 'small';

/** The inbox, which outlives processes. */
let inbox: Store;
/** The process under test, and its view of the inbox. */
let one: DispatchHarness;
let watched: FailingStore;
const others: DispatchHarness[] = [];
const releases: (() => void)[] = [];

beforeEach(async () => {
  inbox = await openStore();
  watched = new FailingStore(inbox);
  one = await DispatchHarness.open({ store: watched.store });
  // Time stands still unless a test lets it pass.
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'Date', 'queueMicrotask'] });
});

afterEach(async () => {
  jest.useRealTimers();
  watched.work();
  for (const release of releases.splice(0)) release();
  for (const other of others.splice(0)) await other.dispatcher.stop(0);
  await one.close();
});

async function another(options: HarnessOptions = {}): Promise<DispatchHarness> {
  const other = await DispatchHarness.open({ store: inbox, clock: one.clock, ...options });
  others.push(other);
  return other;
}

/** Replaces the process under test. */
async function reopen(options: HarnessOptions): Promise<void> {
  one = await DispatchHarness.open({ store: watched.store, ...options });
}

/** Starts the worker and waits until it has seen that no work is due. */
async function start(): Promise<void> {
  one.dispatcher.start();
  await until(() => watched.countOf('claimTasks') > 0 && watched.countOf('claimDeliveries') > 0);
  for (let turns = 0; turns < 10; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  watched.calls.length = 0;
}

/** Lets time pass for the timers of the process, but not for the clock that decides about leases. */
async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    await jest.advanceTimersByTimeAsync(250);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function gate(): Promise<void> {
  const { promise, release } = held();
  releases.push(release);
  return promise;
}

const open = () => releases.splice(0).forEach((release) => release());

async function send(count: number, from = 0): Promise<void> {
  for (let run = from; run < from + count; run += 1) await one.send({ run: `${run}` });
}

const counts = () => one.inbox.counts();
const succeeded = async () => (await counts()).deliveries.succeeded;
const claims = () => (['claimMessages', 'claimTasks', 'claimDeliveries'] as const).map((verb) => watched.countOf(verb));

/** Makes the process wait after its first recording, while `count` further messages are queued. */
async function queueMessages(count: number): Promise<void> {
  const waiting = gate();
  watched.beforeReturn = (verb) => (verb === 'record' ? waiting : undefined);
  await start();
  await send(1);
  await until(() => watched.countOf('record') === 1);
  await send(count, 1);
}

describe('a busy worker', () => {
  it('runs what it receives without claiming anything from the store', async () => {
    const ran: string[] = [];
    one.on('handler', ({ id }) => void ran.push(id));
    await start();
    await send(50);
    await Promise.all(Array.from({ length: 150 }, (_, run) => one.send({ run: `${run + 50}` })));
    await until(async () => (await succeeded()) === 200);
    expect(claims()).toEqual([0, 0, 0]);
    expect(new Set(ran).size).toBe(200);
    expect(ran).toHaveLength(200);
  });

  it('asks the store once a second for work of other processes', async () => {
    let ran = 0;
    one.on('handler', () => void (ran += 1));
    await start();
    await (await another()).send({ run: 'elsewhere' });
    await send(20);
    await until(() => ran === 20);
    await pass(LIMITS.pollMs + 250);
    await until(() => ran === 21);
  });

  it('leaves messages to the store when it cannot keep up, and runs each once', async () => {
    let ran = 0;
    one.on('handler', () => void (ran += 1));
    await queueMessages(LIMITS.ownMessagesMax + 50);
    watched.beforeReturn = () => undefined;
    open();
    await until(async () => (await succeeded()) === LIMITS.ownMessagesMax + 51);
    expect(ran).toBe(LIMITS.ownMessagesMax + 51);
    expect(watched.countOf('claimMessages')).toBeGreaterThan(0);
  });
});

describe('a process that ends', () => {
  it('gives back queued messages and deliveries at a stop, for other processes to run at once', async () => {
    const attempts: number[] = [];
    let ran = 0;
    one.on('handler', () => void (ran += 1));
    const other = await another();
    other.on('handler', (_, { attempt }) => void attempts.push(attempt));
    await queueMessages(20);
    await other.idle();
    expect(attempts).toEqual([]);
    const stopped = one.dispatcher.stop(60_000);
    await until(() => watched.countOf('release') > 0);
    await other.idle();
    expect(attempts).toHaveLength(20);
    open();
    await stopped;
    await other.idle();
    expect([ran, attempts.length]).toEqual([0, 21]);
    expect(attempts.every((attempt) => attempt === 1)).toBe(true);
  });

  it('gives back deliveries that have no place at a stop', async () => {
    const waiting = gate();
    let ran = 0;
    await reopen({ concurrency: 1 });
    one.on('handler', () => {
      ran += 1;
      return waiting;
    });
    await start();
    await send(5);
    await until(async () => ran === 1 && (await counts()).deliveries.pending === 5);
    const stopped = one.dispatcher.stop(60_000);
    const attempts: number[] = [];
    const other = await another();
    other.on('handler', (_, { attempt }) => void attempts.push(attempt));
    await until(() => watched.countOf('release') > 0);
    await other.idle();
    expect(attempts).toEqual([1, 1, 1, 1]);
    open();
    await stopped;
    expect([ran, await succeeded()]).toEqual([1, 5]);
  });

  it('leaves its queued work to the next process that registers when it dies', async () => {
    let ran = 0;
    one.on('handler', () => void (ran += 1));
    await one.presence.start();
    await queueMessages(20);
    const successor = new FailingStore(inbox);
    const register = inbox.register.bind(inbox);
    inbox.register = (registration: Registration, now) => register({ ...registration, isGone: () => true }, now);
    const other = await another({ store: successor.store });
    let inOther = 0;
    other.on('handler', () => void (inOther += 1));
    await other.idle();
    expect(inOther).toBe(0);
    await other.presence.start();
    await other.idle();
    // The first message was recorded, and its delivery was claimed by the process that died.
    expect([ran, inOther, await succeeded()]).toEqual([0, 21, 21]);
  });
});

describe('deliveries that wait for a place', () => {
  it('are given back after a second, so that handlers and sources take turns', async () => {
    const waiting = gate();
    const ran: string[] = [];
    await reopen({ concurrency: 1, sources: [{ name: SMALL, provider: 'probe', open: () => new ProbeProvider() }] });
    one.on('slow', async ({ source }) => {
      ran.push(`slow ${source}`);
      await waiting;
    });
    one.on('other', ({ source }) => void ran.push(`other ${source}`), { types: ['run.failed'] });
    await start();
    await send(50);
    await one.send({ run: 'last', types: ['run.failed'] });
    await one.receive(SMALL, { body: Buffer.from('{"run":"last"}'), headers: SIGNATURE });
    await until(async () => (await counts()).deliveries.pending === 52);
    expect([watched.countOf('release'), ran]).toEqual([0, ['slow probe']]);
    await pass(LIMITS.pollMs + 500);
    await until(() => watched.countOf('release') > 0);
    open();
    await until(async () => (await succeeded()) === 52);
    expect(ran).toHaveLength(52);
    expect(ran.indexOf('other probe')).toBeLessThanOrEqual(3);
    expect(ran.indexOf(`slow ${SMALL}`)).toBeLessThanOrEqual(3);
    expect((await one.deliveries('slow')).every(({ attempts }) => attempts === 1)).toBe(true);
  });
});

describe('deliveries that wait for a place when an operator decides about them', () => {
  const WHY = { by: 'Kim', reason: 'request 17' };

  /** Opens the process with two places, which the first two of ten deliveries keep. Returns the ids of their messages. */
  async function queueDeliveries(): Promise<{ readonly ran: string[]; readonly messageIds: string[] }> {
    const ran: string[] = [];
    const waiting = gate();
    await reopen({ concurrency: 2 });
    one.on('handler', (event) => {
      ran.push('run' in event ? event.run!.id : '');
      return waiting;
    });
    await start();
    const messageIds: string[] = [];
    for (let run = 0; run < 10; run += 1) messageIds.push(await one.send({ run: `${run}` }));
    await until(async () => ran.length === 2 && (await counts()).deliveries.pending === 10);
    return { ran, messageIds };
  }

  it('are dismissed, and never run', async () => {
    const { ran } = await queueDeliveries();
    expect(await one.inbox.dismiss({ handlerId: 'handler', ...WHY })).toBe(8);
    open();
    await until(async () => (await succeeded()) === 2);
    expect([ran, (await counts()).deliveries]).toEqual([
      ['0', '1'],
      expect.objectContaining({ dismissed: 8, pending: 0 }),
    ]);
  });

  it('are dismissed by id, and the others run', async () => {
    const { ran } = await queueDeliveries();
    const last = (await one.deliveries('handler')).slice(5);
    expect(await one.inbox.dismiss({ deliveryIds: last.map(({ id }) => id), ...WHY })).toBe(5);
    open();
    await until(async () => (await succeeded()) === 5);
    expect(ran.toSorted()).toEqual(['0', '1', '2', '3', '4']);
    expect((await one.deliveries('handler')).slice(0, 5).every(({ attempts }) => attempts === 1)).toBe(true);
  });

  it('do not keep their messages from being erased', async () => {
    const { ran, messageIds } = await queueDeliveries();
    const erased = await one.inbox.erase({ messageIds, ...WHY });
    expect(erased).toMatchObject({ messages: 8, dismissed: 8, held: 2 });
    open();
    await until(async () => (await succeeded()) === 2);
    expect(ran).toEqual(['0', '1']);
  });
});

describe('deliveries that wait for a place for long', () => {
  /** Opens the process with one place, which the first delivery keeps while another one waits. */
  async function queueDelivery(): Promise<{ readonly ran: string[]; readonly release: () => void }> {
    const ran: string[] = [];
    const [first, rest] = [held(), gate()];
    await reopen({ concurrency: 1 });
    one.on('handler', (event) => {
      ran.push('run' in event ? event.run!.id : '');
      return ran.length === 1 ? first.promise : rest;
    });
    await start();
    await send(2);
    await until(async () => (await counts()).deliveries.pending === 2);
    return { ran, release: first.release };
  }

  it('are claimed again before they start, so that no other process runs them too', async () => {
    const { ran, release } = await queueDelivery();
    const other = await another();
    other.on('handler', () => void ran.push('in the other process'));
    one.clock.advance(LIMITS.leaseMs - 5_000);
    release();
    await until(() => ran.length === 2);
    one.clock.advance(5_000);
    await other.idle();
    expect(ran).toEqual(['0', '1']);
    expect((await one.deliveries('handler')).map(({ attempts }) => attempts)).toEqual([1, 1]);
  });

  it('run without waiting for the lease when giving them back has failed', async () => {
    const { ran, release } = await queueDelivery();
    watched.fail('release');
    await pass(LIMITS.readyMs + 500);
    expect(watched.countOf('release')).toBeGreaterThan(0);
    watched.work();
    release();
    await pass(2_000);
    await until(() => ran.length === 2);
    expect((await one.deliveries('handler')).map(({ attempts }) => attempts)).toEqual([1, 1]);
  });

  it('are given back in time although a recording takes long', async () => {
    await queueDelivery();
    const recording = gate();
    watched.beforeReturn = (verb) => (verb === 'record' ? recording : undefined);
    await send(1, 2);
    await until(() => watched.countOf('record') === 3);
    await pass(LIMITS.readyMs + 500);
    await until(() => watched.countOf('release') > 0);
  });
});

describe('own claims during faults', () => {
  it('are recorded once, without waiting for the lease, when the store works again', async () => {
    const ran: string[] = [];
    one.on('handler', ({ id }) => void ran.push(id));
    await start();
    watched.fail('record');
    await send(20);
    await pass(5_000);
    expect([watched.countOf('record') > 1, ran]).toEqual([true, []]);
    watched.work();
    await pass(2_000);
    await until(async () => (await succeeded()) === 20);
    expect([ran.length, new Set(ran).size]).toEqual([20, 20]);
  });

  it('are recorded and run once, without waiting for the lease, when the store fails after it has recorded them', async () => {
    const ran: string[] = [];
    one.on('handler', ({ id }) => void ran.push(id));
    await start();
    watched.afterEffect = true;
    watched.fail('record');
    await send(20);
    await pass(2_000);
    watched.work();
    await pass(2_000);
    await until(async () => (await succeeded()) === 20);
    expect([ran.length, new Set(ran).size]).toEqual([20, 20]);
  });

  it('are parsed without waiting for the lease when the store fails after it has stored the message', async () => {
    let ran = 0;
    one.on('handler', () => void (ran += 1));
    await start();
    watched.afterEffect = true;
    watched.fail('append', 'release');
    await expect(send(1)).rejects.toThrow('the disk is full');
    await pass(2_000);
    expect([watched.countOf('release') > 0, ran]).toEqual([true, 0]);
    watched.work();
    await pass(2_000);
    await until(() => ran === 1);
    expect((await one.inbox.messages()).items).toHaveLength(1);
    // After the lease, the message cannot come back, and the process needs no further claim.
    one.clock.advance(LIMITS.leaseMs);
    await pass(2_000);
    // The next one comes with the look that is due once a second.
    await send(1, 1);
    await until(() => ran === 2);
    const before = watched.countOf('claimDeliveries');
    await send(20, 2);
    await until(() => ran === 22);
    expect(watched.countOf('claimDeliveries')).toBe(before);
  });

  it('are parsed without waiting for the lease when the store writes the message after it has failed', async () => {
    const lost: NewMessage[] = [];
    const { append } = inbox;
    const store = new Proxy(watched.store, {
      get: (target, verb) => {
        if (verb !== 'append') return Reflect.get(target, verb) as unknown;
        return (message: NewMessage) => {
          lost.push(message);
          throw new StoreUnavailableError('no answer');
        };
      },
    });
    await reopen({ store });
    let ran = 0;
    one.on('handler', () => void (ran += 1));
    await start();
    await expect(send(1)).rejects.toThrow('no answer');
    await pass(2_000);
    expect(lost[0]?.claim).toBeDefined();
    await append.call(inbox, lost[0]!);
    await pass(2_000);
    await until(() => ran === 1);
    // After the lease, nothing is given back any more.
    one.clock.advance(LIMITS.leaseMs);
    await pass(2_000);
    const releases = watched.countOf('release');
    await pass(5_000);
    expect(watched.countOf('release')).toBe(releases);
  });

  it('run without waiting for the lease when the store writes a recording after it has failed', async () => {
    let first: readonly Entry[] | undefined;
    let isFailing = true;
    const store = new Proxy(watched.store, {
      get: (target, verb) => {
        if (verb !== 'record' || !isFailing) return Reflect.get(target, verb) as unknown;
        return (entries: readonly Entry[]) => {
          first ??= entries.map((entry) => {
            const decision = entry.decide!({});
            return { ...entry, decide: () => decision };
          });
          throw new StoreUnavailableError('no answer');
        };
      },
    });
    await reopen({ store });
    let ran = 0;
    one.on('handler', () => void (ran += 1));
    await start();
    await send(1);
    await pass(2_000);
    expect(await inbox.record(first!, one.clock.now())).toMatchObject([{ recorded: true }]);
    isFailing = false;
    await pass(2_000);
    await until(() => ran === 1);
    // After the lease, nothing is given back any more.
    one.clock.advance(LIMITS.leaseMs);
    await pass(2_000);
    const before = watched.countOf('release');
    await pass(5_000);
    expect(watched.countOf('release')).toBe(before);
  });

  it('run once when the clock jumps ahead while messages are queued', async () => {
    const ran: string[] = [];
    one.on('handler', ({ id }) => void ran.push(id));
    const other = await another();
    other.on('handler', ({ id }) => void ran.push(id));
    await queueMessages(20);
    one.clock.advance(24 * 3_600_000);
    await other.idle();
    watched.beforeReturn = () => undefined;
    open();
    await pass(2_000);
    await until(async () => (await succeeded()) === 21);
    expect([ran.length, new Set(ran).size]).toEqual([21, 21]);
  });

  it('run once when the clock jumps ahead while deliveries wait for a place', async () => {
    const waiting = gate();
    const ran: string[] = [];
    await reopen({ concurrency: 1 });
    one.on('handler', ({ id }) => {
      ran.push(id);
      return waiting;
    });
    await start();
    await send(10);
    await until(async () => (await counts()).deliveries.pending === 10);
    one.clock.advance(24 * 3_600_000);
    open();
    await pass(3_000);
    await until(async () => (await succeeded()) === 10);
    expect([ran.length, new Set(ran).size]).toEqual([10, 10]);
  });
});

describe('a store without release', () => {
  it('gets no claims with its work, and the worker claims everything from it', async () => {
    const appended: NewMessage[] = [];
    const append = inbox.append.bind(inbox);
    Object.assign(inbox, {
      release: undefined,
      append: (message: NewMessage) => {
        appended.push(message);
        return append(message);
      },
    });
    await reopen({});
    let ran = 0;
    one.on('handler', () => void (ran += 1));
    await start();
    await send(20);
    await until(async () => (await succeeded()) === 20);
    expect([ran, appended.some(({ claim }) => claim)]).toEqual([20, false]);
    expect(watched.countOf('claimMessages')).toBeGreaterThan(0);
    expect(watched.countOf('claimDeliveries')).toBeGreaterThan(0);
  });
});
