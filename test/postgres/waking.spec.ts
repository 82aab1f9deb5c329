import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { ClaimedDelivery, Store } from 'nestjs-runhooks/core';
import { LIMITS, systemClock } from 'nestjs-runhooks/internal';
import pg from 'pg';
import { SQL_LIMITS } from 'inside/sql-limits';
import { DispatchHarness } from '../dispatch/dispatch-harness.js';
import { FailingStore } from '../dispatch/failing-store.js';
import { eventually } from './eventually.js';
import { newMessage } from './messages.js';
import { onPostgres, POSTGRES_URL, Schemas } from './server.js';
import { decided } from '../decided.js';

const CLAIM = { leaseMs: 60_000, limit: 10 };

onPostgres('a process that waits for work', () => {
  const schemas = new Schemas();
  const opened: Store[] = [];
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

  async function open(schema: string, options = {}): Promise<Store> {
    const store = await schemas.open({ schema, connectionsMax: 3, ...options });
    opened.push(store);
    return store;
  }

  /** Opens a process whose wake-ups are counted, and another one. */
  async function pair() {
    const schema = schemas.next();
    const [waiting, other] = [await open(schema), await open(schema)];
    const woken = { count: 0 };
    waiting.onWork?.(() => (woken.count += 1));
    return { schema, waiting, other, woken };
  }

  /** Returns two claimed deliveries of one event. */
  async function claimed(store: Store): Promise<readonly ClaimedDelivery[]> {
    await store.append(newMessage());
    const now = new Date();
    const [message] = await store.claimMessages({ ...CLAIM, now, lease: 'reader', sources: ['source'] });
    const deliveries = ['a', 'b'].map((handlerId) => ({ id: `dlv_${handlerId}`, handlerId }));
    const event = { id: 'event', type: 'run.failed', occurredAt: now, data: '{}', deliveries };
    const recording = { messageId: message!.id, lease: 'reader', state: 'parsed' } as const;
    await store.record([{ ...recording, decide: () => ({ events: [event] }) }], now);
    return await store.claimDeliveries({ ...CLAIM, now, lease: 'runner', handlerIds: ['a', 'b'] });
  }

  it('is woken by a message that another process stored, not by its own', async () => {
    const { waiting, other, woken } = await pair();
    await waiting.append(newMessage());
    await other.append(newMessage());
    await eventually(() => woken.count === 1);
    const copy = newMessage();
    await other.append(copy);
    await eventually(() => woken.count === 2);
    await other.append(copy);
    await other.append(newMessage());
    await eventually(() => woken.count === 3);
  });

  it("is woken by another process's recordings, releases, redrives, replays and reparses", async () => {
    const { other, woken } = await pair();
    const [one, two] = await claimed(other);
    const times = { startedAt: new Date(), finishedAt: new Date() };
    const attempt = { ...times, outcome: 'failed', error: { name: 'Error', message: '', stack: '' } } as const;
    const steps: readonly (() => Promise<unknown>)[] = [
      () =>
        other.record(
          [{ deliveryId: one!.id, lease: 'runner', attempt, next: { state: 'pending', dueAt: new Date() } }],
          new Date(),
        ),
      () => other.record([{ deliveryId: two!.id, lease: 'runner', attempt, next: { state: 'dead' } }], new Date()),
      () => other.redrive({}, decided(), new Date()),
      () =>
        other.replay(
          'again',
          [{ eventId: 'event', deliveries: [{ id: 'dlv_c', handlerId: 'c' }] }],
          decided(),
          new Date(),
        ),
      () => other.reparse({ states: ['unrecognized'], withoutHandlers: true }, decided(), new Date()),
    ];
    for (const step of steps) {
      // Waits for notifications that are due anyway, so that they do not count for this call.
      await eventually(async () => {
        const before = woken.count;
        await new Promise((resolve) => setTimeout(resolve, 3 * SQL_LIMITS.notifyEveryMs));
        return woken.count === before;
      });
      const before = woken.count;
      await step();
      await eventually(() => woken.count > before);
    }
  });

  it('is not woken by processes of another schema', async () => {
    const { woken, other } = await pair();
    await (await open(schemas.next())).append(newMessage());
    await other.append(newMessage());
    await eventually(() => woken.count === 1);
  });

  it('receives a few notifications for a thousand messages', async () => {
    const { other, woken } = await pair();
    const beganAtMs = performance.now();
    await Promise.all(Array.from({ length: 1_000 }, () => other.append(newMessage())));
    await eventually(() => woken.count > 0);
    // One notification comes at once, and one in each interval since.
    expect(woken.count).toBeLessThanOrEqual(2 + (performance.now() - beganAtMs) / SQL_LIMITS.notifyEveryMs);
  });

  it('is woken when it listens again after losing its connection, because it may have missed work', async () => {
    const { schema, woken, other } = await pair();
    const ended = await schemas.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen "${schema}_work"' and pid <> pg_backend_pid()`,
    );
    expect(ended).toHaveLength(2);
    await eventually(() => woken.count > 0);
    const before = woken.count;
    await other.append(newMessage());
    await eventually(() => woken.count > before);
  });

  describe('notifications', () => {
    afterEach(() => void jest.useRealTimers());

    /** Sends once the worker has found no work and is idle until its timer, which only the test advances. */
    async function sendAtRest(options: object): Promise<{ isHandled: () => boolean; close: () => Promise<void> }> {
      const schema = schemas.next();
      const receiver = await DispatchHarness.open({ store: await open(schema, options), clock: systemClock as never });
      const watched = new FailingStore(await open(schema, options));
      const worker = await DispatchHarness.open({ store: watched.store, clock: systemClock as never });
      let handled = 0;
      worker.on('handler', () => void (handled += 1));
      jest.useFakeTimers({
        doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate'],
      });
      worker.dispatcher.start();
      await eventually(() => watched.countOf('claimDeliveries') > 0 && jest.getTimerCount() > 0);
      await receiver.send();
      return { isHandled: () => handled > 0, close: () => worker.close() };
    }

    it("run a handler before the worker's next poll", async () => {
      const { isHandled, close } = await sendAtRest({});
      await eventually(isHandled);
      await close();
    });

    it("leave a handler to the worker's next poll when they are off", async () => {
      const { isHandled, close } = await sendAtRest({ notify: false });
      expect(isHandled()).toBe(false);
      await eventually(async () => {
        await jest.advanceTimersByTimeAsync(LIMITS.pollMs);
        return isHandled();
      });
      await close();
    });
  });

  it("keep one client of an app's pool, and return it at the end", async () => {
    const pool = new pg.Pool({ connectionString: POSTGRES_URL, max: 2 });
    const store = await open(schemas.next(), { pool });
    expect([pool.totalCount - pool.idleCount, pool.waitingCount]).toEqual([1, 0]);
    await store.close();
    expect(pool.totalCount - pool.idleCount).toBe(0);
    await pool.end();
  });
});
