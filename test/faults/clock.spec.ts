import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LIMITS, RetryLater, type DeliveryContext } from 'nestjs-runhooks/core';
import { Bench, held, until } from '../dispatch/bench.js';

const HOUR = 3_600_000;

let bench: Bench;
let other: Bench;
/** Runs by delivery, and how many of one delivery there ever were at the same time. */
const runs = new Map<string, number>();
const running = new Set<string>();
let overlaps: number;

beforeEach(async () => {
  bench = await Bench.open({ abortGraceMs: 1 });
  // Another process on the same inbox, and so on the same host: their clocks jump together.
  other = await Bench.open({ store: bench.store, clock: bench.clock });
  runs.clear();
  running.clear();
  overlaps = 0;
});
afterEach(async () => {
  await other.dispatcher.stop(0);
  await bench.close();
});

/** Counts, and runs until `until` is over or it is told to stop. */
function counting(until: () => Promise<unknown> = () => Promise.resolve()) {
  return async (_: unknown, { id, signal }: DeliveryContext): Promise<void> => {
    runs.set(id, (runs.get(id) ?? 0) + 1);
    if (running.has(id)) overlaps += 1;
    running.add(id);
    const stopped = new Promise((resolve) => signal.addEventListener('abort', resolve));
    await Promise.race([until(), stopped]);
    running.delete(id);
    signal.throwIfAborted();
  };
}

describe('a clock that jumps back an hour', () => {
  it('delays nothing that comes after the jump', async () => {
    bench.on('handler', counting());
    await bench.send({ run: '1' });
    await bench.idle();
    bench.clock.advance(-HOUR);
    await bench.send({ run: '2' });
    await bench.idle();
    expect([...runs.values()]).toEqual([1, 1]);
  });

  it('delays what waited at the jump by the jump at most: unread messages, first attempts, retries', async () => {
    let isBroken = true;
    bench.on('retried', () => {
      if (isBroken) throw new RetryLater(1_000);
    });
    await bench.send({ run: '1' });
    await bench.idle();
    await bench.send({ run: '2' });
    isBroken = false;
    bench.clock.advance(-HOUR);
    await bench.idle();
    bench.clock.advance(HOUR + 1_000);
    await bench.idle();
    expect((await bench.inbox.counts()).deliveries).toMatchObject({ pending: 0, succeeded: 2 });
  });

  it('runs nothing twice that runs meanwhile, here or in another process, however long', async () => {
    const { promise, release } = held();
    bench.on(
      'handler',
      counting(() => promise),
    );
    other.on('handler', counting());
    await bench.send();
    void bench.idle();
    await until(() => runs.size === 1);
    bench.clock.advance(-HOUR);
    for (let look = 0; look < 20; look += 1) {
      bench.clock.advance(LIMITS.leaseMs / 5);
      await bench.send({ run: `${look}`, types: ['run.started'] });
      void bench.idle();
      await until(async () => (await bench.inbox.counts()).messages.stored === 0);
      await other.idle();
    }
    release();
    await bench.idle();
    expect([...runs.values()]).toEqual([1]);
    expect(await bench.outcome('handler')).toEqual(['succeeded', 'succeeded']);
  });

  it('leaves what a process was doing that died at the jump to others after the jump and a lease, not later', async () => {
    const { promise, release } = held();
    bench.on(
      'handler',
      counting(() => promise),
    );
    other.on('handler', counting());
    await bench.send();
    void bench.idle();
    await until(() => runs.size === 1);
    // Dead: it neither renews nor records.
    running.clear();
    bench.clock.advance(-HOUR);
    await other.idle();
    expect([...runs.values()]).toEqual([1]);
    bench.clock.advance(HOUR + LIMITS.leaseMs);
    await other.idle();
    expect([...runs.values()]).toEqual([2]);
    release();
    await bench.idle();
    expect(await bench.outcome('handler')).toEqual(['succeeded', 'succeeded']);
  });

  it('makes no attempt end before it began', async () => {
    bench.on('handler', () => bench.clock.advance(-HOUR));
    await bench.send();
    await bench.idle();
    const [delivery] = await bench.deliveries('handler');
    const [attempt] = await bench.inbox.attempts(delivery!.id);
    expect(attempt!.durationMs).toBe(0);
    expect(attempt!.finishedAt).toEqual(attempt!.startedAt);
  });
});

describe('a clock that jumps on an hour', () => {
  it('runs nothing twice in the process that runs it', async () => {
    const { promise, release } = held();
    bench.on(
      'handler',
      counting(() => promise),
    );
    await bench.send();
    void bench.idle();
    await until(() => runs.size === 1);
    bench.clock.advance(HOUR);
    await bench.send({ run: '2' });
    const idle = bench.idle();
    await until(() => runs.size === 2);
    release();
    await idle;
    expect([...runs.values()]).toEqual([1, 1]);
    expect(overlaps).toBe(0);
  });

  it('lets another process take over, since the lease is over: the first is told to stop, and one result is kept', async () => {
    const never = new Promise(() => undefined);
    bench.on(
      'handler',
      counting(() => never),
    );
    other.on('handler', counting());
    await bench.send();
    const first = bench.idle();
    await until(() => runs.size === 1);
    bench.clock.advance(HOUR);
    await other.idle();
    // The next look for work is a look at the leases, too.
    void bench.idle();
    await first;
    expect([...runs.values()]).toEqual([2]);
    const [delivery] = await bench.deliveries('handler');
    const attempts = await bench.inbox.attempts(delivery!.id);
    expect(attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([[2, 'succeeded']]);
  });
});
