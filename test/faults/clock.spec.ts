import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RetryLater } from 'nestjs-runhooks/core';
import { LIMITS, type DeliveryContext } from 'nestjs-runhooks/internal';
import { ManualClock } from 'nestjs-runhooks/testing';
import { DispatchHarness, held, START, until } from '../dispatch/dispatch-harness.js';

const HOUR = 3_600_000;

let harness: DispatchHarness;
let other: DispatchHarness;
/** Runs by delivery, with the highest number of simultaneous runs of one delivery. */
const runs = new Map<string, number>();
const running = new Set<string>();
let overlaps: number;

beforeEach(async () => {
  harness = await DispatchHarness.open({ abortGraceMs: 1 });
  // Both processes are on one host, so their clocks jump together.
  other = await DispatchHarness.open({ store: harness.store, clock: harness.clock });
  runs.clear();
  running.clear();
  overlaps = 0;
});
afterEach(async () => {
  await other.dispatcher.stop(0);
  await harness.close();
});

/** Returns a handler that counts its calls and runs until `until` resolves or its signal aborts. */
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
  it('does not delay work that arrives after the jump', async () => {
    harness.on('handler', counting());
    await harness.send({ run: '1' });
    await harness.idle();
    harness.clock.advance(-HOUR);
    await harness.send({ run: '2' });
    await harness.idle();
    expect([...runs.values()]).toEqual([1, 1]);
  });

  it('delays unparsed messages, first attempts and retries by the length of the jump at most', async () => {
    let isBroken = true;
    harness.on('retried', () => {
      if (isBroken) throw new RetryLater(1_000);
    });
    await harness.send({ run: '1' });
    await harness.idle();
    await harness.send({ run: '2' });
    isBroken = false;
    harness.clock.advance(-HOUR);
    await harness.idle();
    harness.clock.advance(HOUR + 1_000);
    await harness.idle();
    expect((await harness.inbox.counts()).deliveries).toMatchObject({ pending: 0, succeeded: 2 });
  });

  it('runs no delivery twice at the same time, in any process, however long it takes', async () => {
    const { promise, release } = held();
    harness.on(
      'handler',
      counting(() => promise),
    );
    other.on('handler', counting());
    await harness.send();
    void harness.idle();
    await until(() => runs.size === 1);
    harness.clock.advance(-HOUR);
    for (let look = 0; look < 20; look += 1) {
      harness.clock.advance(LIMITS.leaseMs / 5);
      await harness.send({ run: `${look}`, types: ['run.started'] });
      void harness.idle();
      await until(async () => (await harness.inbox.counts()).messages.stored === 0);
      await other.idle();
    }
    release();
    await harness.idle();
    expect([...runs.values()]).toEqual([1]);
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'succeeded']);
  });

  it("hands a dead process's work to others within the clock jump plus one lease", async () => {
    const { promise, release } = held();
    harness.on(
      'handler',
      counting(() => promise),
    );
    other.on('handler', counting());
    await harness.send();
    void harness.idle();
    await until(() => runs.size === 1);
    // A dead process neither renews its leases nor records results.
    running.clear();
    harness.clock.advance(-HOUR);
    await other.idle();
    expect([...runs.values()]).toEqual([1]);
    harness.clock.advance(HOUR + LIMITS.leaseMs);
    await other.idle();
    expect([...runs.values()]).toEqual([2]);
    release();
    await harness.idle();
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'succeeded']);
  });

  it('never makes an attempt end before its start', async () => {
    harness.on('handler', () => harness.clock.advance(-HOUR));
    await harness.send();
    await harness.idle();
    const [delivery] = await harness.deliveries('handler');
    const [attempt] = await harness.inbox.attempts(delivery!.id);
    expect(attempt!.durationMs).toBe(0);
    expect(attempt!.finishedAt).toEqual(attempt!.startedAt);
  });
});

describe('a clock that jumps ahead an hour', () => {
  it('runs no delivery twice in the same process', async () => {
    const { promise, release } = held();
    harness.on(
      'handler',
      counting(() => promise),
    );
    await harness.send();
    void harness.idle();
    await until(() => runs.size === 1);
    harness.clock.advance(HOUR);
    await harness.send({ run: '2' });
    const idle = harness.idle();
    await until(() => runs.size === 2);
    release();
    await idle;
    expect([...runs.values()]).toEqual([1, 1]);
    expect(overlaps).toBe(0);
  });

  it('lets another process take over an expired lease, aborts the first handler, and keeps one result', async () => {
    const never = new Promise(() => undefined);
    harness.on(
      'handler',
      counting(() => never),
    );
    other.on('handler', counting());
    await harness.send();
    const first = harness.idle();
    await until(() => runs.size === 1);
    harness.clock.advance(HOUR);
    await other.idle();
    // The next poll also checks the leases.
    void harness.idle();
    await first;
    expect([...runs.values()]).toEqual([2]);
    const [delivery] = await harness.deliveries('handler');
    const attempts = await harness.inbox.attempts(delivery!.id);
    expect(attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([[2, 'succeeded']]);
  });
});

describe('a clock that is years ahead for a while', () => {
  const YEARS = 2 * 365 * 24 * HOUR;

  it('does not keep messages stored in that time from being parsed', async () => {
    harness.on('handler', counting());
    harness.clock.step(YEARS);
    await harness.send({ run: '1' });
    harness.clock.step(-YEARS);
    await harness.idle();
    expect([...runs.values()]).toEqual([1]);
  });

  it('leaves nothing due in that year when the process dies, and the next process logs it at startup', async () => {
    other.on('retried', () => Promise.reject(new RetryLater(60_000)));
    const forever = held();
    other.on('held', () => forever.promise);
    harness.on('retried', counting());
    harness.on('held', counting());
    harness.clock.step(YEARS);
    await other.send();
    void other.idle();
    await until(
      async () => (await other.inbox.attempts((await other.deliveries('retried'))[0]?.id ?? '')).length === 1,
    );
    // The process is dead from here on.
    harness.clock.step(-YEARS);
    await harness.presence.start();
    expect(harness.lines).toEqual([expect.stringContaining('0 messages, 2 deliveries, 0 checks')]);
    await harness.idle();
    expect(runs.size).toBe(0);
    harness.clock.advance(LIMITS.leaseMs);
    await harness.idle();
    expect(runs.size).toBe(1);
    harness.clock.advance(60_000 - LIMITS.leaseMs);
    await harness.idle();
    expect(runs.size).toBe(2);
    forever.release();
  });

  it('leaves nothing due in that year when the process survives, and logs that the clock was changed', async () => {
    harness.on('handler', (_, { attempt }) => {
      if (attempt === 1) throw new RetryLater(60_000);
    });
    await harness.presence.start();
    harness.clock.step(YEARS);
    expect(harness.presence.isDue).toBe(true);
    await harness.presence.renew();
    await harness.send();
    await harness.idle();
    expect(harness.presence.isDue).toBe(false);
    harness.clock.step(-YEARS);
    expect(harness.presence.isDue).toBe(true);
    await harness.presence.renew();
    expect(harness.lines).toEqual([
      expect.stringContaining('Clock jumped ahead by 730 days'),
      expect.stringContaining('Retrying in 60 s'),
      expect.stringContaining('Clock jumped back by 730 days'),
      expect.stringContaining('0 messages, 1 deliveries, 0 checks'),
    ]);
    harness.clock.advance(60_000);
    await harness.idle();
    expect(await harness.outcome('handler')).toEqual(['succeeded', 'RetryLater', 'succeeded']);
  });

  it('runs an overdue stuck-run check once the clock is right again', async () => {
    harness.clock.step(YEARS);
    const task = {
      id: 'task',
      kind: 'stuck-run' as const,
      handlerId: 'handler',
      dueAt: harness.clock.now(),
      data: '{}',
    };
    const id = await harness.send();
    const [claimed] = await harness.store.claimMessages({ ...CLAIM, now: harness.clock.now(), sources: ['probe'] });
    const decide = () => ({ events: [], tasks: [task] });
    await harness.store.record(
      [{ messageId: claimed!.id, lease: 'test', state: 'parsed', decide }],
      harness.clock.now(),
    );
    expect(claimed!.id).toBe(id);
    harness.clock.step(-YEARS);
    await harness.watch.look();
    const tasks = await harness.store.claimTasks({ ...CLAIM, now: harness.clock.now(), handlerIds: ['handler'] });
    expect(tasks.map((one) => one.id)).toEqual(['task']);
  });
});

const CLAIM = { leaseMs: LIMITS.leaseMs, limit: 10, lease: 'test' };

describe('the clock watch', () => {
  it('logs nothing when much time passes at once', async () => {
    await harness.watch.look();
    harness.clock.advance(100 * HOUR);
    expect(harness.watch.hasStepped).toBe(false);
    await harness.watch.look();
    expect(harness.lines).toEqual([]);
  });

  it('logs a clock change in either direction once, and ignores small corrections', async () => {
    await harness.watch.look();
    harness.clock.step(LIMITS.clockStepMs - 1);
    expect(harness.watch.hasStepped).toBe(false);
    await harness.watch.look();
    harness.clock.step(-3 * HOUR);
    expect(harness.watch.hasStepped).toBe(true);
    await harness.watch.look();
    await harness.watch.look();
    harness.clock.step(365 * 24 * HOUR);
    await harness.watch.look();
    expect(harness.lines).toEqual([
      expect.stringMatching(/^warn: Clock jumped back by 3 h/),
      expect.stringMatching(/^warn: Clock jumped ahead by 365 days/),
    ]);
  });

  it('checks every few minutes for work postponed by another process with a wrong clock', async () => {
    await harness.watch.look();
    const wrong = await DispatchHarness.open({
      store: harness.store,
      clock: new ManualClock(new Date(START.getTime() + 1000 * HOUR)),
    });
    const forever = held();
    wrong.on('handler', () => forever.promise);
    await wrong.send();
    void wrong.idle();
    await until(async () => (await harness.deliveries('handler'))[0]?.attempts === 1);
    await harness.watch.look();
    expect(harness.lines).toEqual([]);
    harness.clock.advance(LIMITS.pullBackEveryMs);
    await harness.watch.look();
    expect(harness.lines).toEqual([expect.stringContaining('1 deliveries')]);
    forever.release();
    await wrong.dispatcher.stop(0);
  });
});
