import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  StoreUnavailableError,
  type DispatchTarget,
  type DispatchTransport,
  type Recorded,
  type Recording,
  type Store,
} from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { DispatchHarness, held, openStore, until } from './dispatch-harness.js';
import { FailingStore } from './failing-store.js';

const MESSAGES = 5;
const NOTHING = { events: [], tasks: [], idReused: false };

let store: Store;
let watched: FailingStore;
let harness: DispatchHarness;
let runs: string[];

beforeEach(async () => {
  store = await openStore();
  watched = new FailingStore(store);
  runs = [];
});

afterEach(async () => await harness.close());

/** Starts a worker that claims what it stores, with a handler that notes its runs and ends after `during`. */
async function start(options: Parameters<typeof DispatchHarness.open>[0] = {}, during?: Promise<void>): Promise<void> {
  harness = await DispatchHarness.open({ store: watched.store, ...options });
  harness.on('noting', (event) => {
    runs.push('run' in event ? event.run!.id : '');
    return during;
  });
  harness.dispatcher.start();
  await until(() => watched.countOf('claimMessages') > 0);
}

const send = async (ids: readonly string[]): Promise<unknown> =>
  await Promise.all(ids.map((run) => harness.send({ id: run, run, types: ['run.succeeded'] })));

const runIds = (count: number): string[] => Array.from({ length: count }, (_, index) => `r${index}`);

/** Returns a transport that brings what it is offered to `bring`, with the worker that it started with. */
function transportTo(bring: (ids: readonly string[], worker: DispatchTarget) => void): DispatchTransport {
  let worker: DispatchTarget;
  return {
    description: 'a transport',
    start: (target) => void (worker = target),
    room: () => Promise.resolve(100),
    offer: (due) =>
      Promise.resolve(
        bring(
          due.map(({ id }) => id),
          worker,
        ),
      ),
    stop: () => Promise.resolve(),
  };
}

describe('work that a process claims as it writes it', () => {
  it('starts at once although a claim is under way that keeps all places', async () => {
    await start();
    await until(() => watched.countOf('claimTasks') + watched.countOf('nextDueAt') > 0);
    const claimed = held();
    watched.beforeReturn = (verb) => (verb === 'claimDeliveries' ? claimed.promise : undefined);
    harness.dispatcher.wake();
    const records = watched.countOf('record');
    await send(['r0']);
    await until(() => watched.countOf('record') > records);
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect(runs).toEqual([]);
    claimed.release();
    const releasedAt = performance.now();
    await until(() => runs.length === 1);
    expect(performance.now() - releasedAt).toBeLessThan(LIMITS.pollMs / 2);
  });

  it('is given back if the worker stops while it is being written', async () => {
    await start({ concurrency: 1 });
    const written = held();
    let isWritten = false;
    watched.beforeReturn = (verb) => {
      if (verb !== 'record') return undefined;
      isWritten = true;
      return written.promise;
    };
    await send(runIds(MESSAGES));
    await until(() => isWritten);
    const stopped = harness.dispatcher.stop(60_000);
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setImmediate(resolve));
    written.release();
    await stopped;
    const ranBefore = [...runs];
    const other = await DispatchHarness.open({ store, clock: harness.clock });
    other.on('noting', (event) => void runs.push('run' in event ? event.run!.id : ''));
    // The clock stands still, so no lease has ended.
    await other.idle();
    await other.dispatcher.stop(0);
    expect(ranBefore).toEqual([]);
    expect([...runs].sort()).toEqual(runIds(MESSAGES));
  });

  it('does not start after a stop, although the store is slow to take messages back', async () => {
    const { promise, release } = held();
    await start({ concurrency: 1 }, promise);
    await until(() => watched.countOf('claimTasks') + watched.countOf('nextDueAt') > 0);
    await send(['running', 'ready']);
    await until(async () => (await harness.inbox.counts()).deliveries.pending === 2);
    const slow = held();
    watched.beforeReturn = (verb) => (verb === 'record' || verb === 'release' ? slow.promise : undefined);
    const records = watched.countOf('record');
    await send(['being recorded']);
    await until(() => watched.countOf('record') > records);
    await send(['waiting']);
    const stopped = harness.dispatcher.stop(60_000);
    await until(() => watched.countOf('release') > 0);
    release();
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
    slow.release();
    await stopped;
    expect(runs).toEqual(['running']);
  });

  it('runs at once although another recording of the same step was rejected', async () => {
    const rejecting = new Proxy(watched.store, {
      get: (target, verb) => {
        if (verb !== 'record') return Reflect.get(target, verb) as unknown;
        return (recordings: readonly Recording[], now: Date) =>
          target.record(
            recordings.map((one) => (one.run?.runId === 'r0' ? { ...one, decide: reject } : one)),
            now,
          );
      },
    });
    const reject = (): never => {
      throw new Error('rejected');
    };
    await start({ store: rejecting });
    await send(runIds(MESSAGES));
    await until(() => runs.length === MESSAGES - 1, 5_000);
    expect(runs).not.toContain('r0');
    expect(harness.announced.length).toBe(MESSAGES - 1);
  });

  it('is recorded as soon as the store works again, although a rejected recording came before the outage', async () => {
    let isOut = false;
    const failing = new Proxy(watched.store, {
      get: (target, verb) => {
        if (verb !== 'record' || !isOut) return Reflect.get(target, verb) as unknown;
        const failureOf = ({ run }: Recording): Error =>
          run?.runId === 'r0' ? new Error('rejected') : new StoreUnavailableError('the disk is full');
        return (recordings: readonly Recording[]): Promise<readonly Recorded[]> =>
          Promise.resolve(recordings.map((one) => ({ ...NOTHING, recorded: false, failure: failureOf(one) })));
      },
    });
    await start({ store: failing });
    await until(() => watched.countOf('claimTasks') + watched.countOf('nextDueAt') > 0);
    isOut = true;
    await send(runIds(MESSAGES));
    await until(() => harness.lines.length > 0);
    isOut = false;
    // The clock stands still, so no lease ends.
    await until(() => runs.length === MESSAGES - 1, 10_000);
    expect(runs).not.toContain('r0');
    expect(harness.lines[0]).toContain('the disk is full');
  });

  it('is not started for a handler that is paused because its calls never end', async () => {
    harness = await DispatchHarness.open({ store: watched.store, concurrency: 5, abortGraceMs: 1 });
    let calls = 0;
    const { promise, release } = held();
    const hang = (): Promise<void> => {
      calls += 1;
      return promise;
    };
    harness.on('hanging', hang, { timeoutMs: 1, retry: false });
    harness.dispatcher.start();
    await until(() => watched.countOf('claimMessages') > 0);
    await send(runIds(60));
    await until(() => harness.lines.some((line) => line.includes('is paused in this process')));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(calls).toBeLessThanOrEqual(LIMITS.abandonedPerHandlerMax + 5);
    release();
  });

  it('leaves the next place to a delivery that a transport has brought', async () => {
    const { promise, release } = held();
    const offered: string[] = [];
    const transport = transportTo((ids, worker) => {
      offered.push(...ids);
      for (const id of ids) void worker.run(id);
    });
    await start({ transport, concurrency: 1 }, promise);
    await send(['running', 'brought', 'brought too']);
    await until(() => offered.length === 2);
    release();
    await until(() => runs.length === 3);
    expect(new Set(offered).size).toBe(offered.length);
  });

  it('needs no transport if places become free soon, however much was recorded at once', async () => {
    const offered: string[] = [];
    const transport = transportTo((ids) => void offered.push(...ids));
    await start({ transport, concurrency: 1 });
    await send(runIds(40));
    await until(() => runs.length === 40);
    expect(offered).toEqual([]);
  });

  it.each([
    ['lower', 2, 2],
    ['higher', 10, 3],
  ])('is limited by a %s concurrency of a transport and of the process', async (_, ofTransport, expected) => {
    const room = (): Promise<never> => Promise.reject(new Error('away'));
    const transport = { ...transportTo(() => undefined), concurrency: ofTransport, room };
    harness = await DispatchHarness.open({ store: watched.store, transport, concurrency: 3 });
    const { promise, release } = held();
    let [running, most, ended] = [0, 0, 0];
    harness.on('handler', async () => {
      running += 1;
      most = Math.max(most, running);
      await promise;
      running -= 1;
      ended += 1;
    });
    harness.dispatcher.start();
    await until(() => watched.countOf('claimMessages') > 0);
    await send(runIds(20));
    await until(async () => (await harness.inbox.counts()).deliveries.pending === 20 && running === expected);
    release();
    await until(() => ended === 20);
    expect(most).toBe(expected);
  });

  it('is claimed again once a transport has brought everything else to a worker', async () => {
    let offered = 0;
    const transport = transportTo((ids, worker) => {
      offered += ids.length;
      for (const id of ids) void worker.run(id);
    });
    const { promise, release } = held();
    await start({ transport, concurrency: 1 }, promise);
    await send(runIds(MESSAGES));
    await until(() => offered > 0);
    release();
    await until(() => runs.length === MESSAGES, 10_000);
    // Once a second the process looks for work, and finds that nothing waits any more.
    await new Promise((resolve) => setTimeout(resolve, LIMITS.pollMs + 100));
    await send(['next']);
    await until(() => runs.includes('next'));
    const before = offered;
    await send(['last']);
    await until(() => runs.includes('last'));
    expect(offered).toBe(before);
  });
});
