import { afterEach, describe, expect, it } from '@jest/globals';
import { LIMITS, systemClock, type ClaimedDelivery, type Store } from 'nestjs-runhooks/core';
import pg from 'pg';
import { Bench } from '../dispatch/bench.js';
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

  /** A process whose wake-ups are counted, and another one. */
  async function pair() {
    const schema = schemas.next();
    const [waiting, other] = [await open(schema), await open(schema)];
    const woken = { count: 0 };
    waiting.onWork?.(() => (woken.count += 1));
    return { schema, waiting, other, woken };
  }

  /** Two claimed deliveries of one event. */
  async function claimed(store: Store): Promise<readonly ClaimedDelivery[]> {
    await store.append(newMessage());
    const now = new Date();
    const [message] = await store.claimMessages({ ...CLAIM, now, lease: 'reader', sources: ['source'] });
    const deliveries = ['a', 'b'].map((handlerId) => ({ id: `dlv_${handlerId}`, handlerId }));
    const event = { id: 'event', type: 'run.failed', occurredAt: now, data: '{}', deliveries };
    const recording = { messageId: message!.id, lease: 'reader', state: 'read' } as const;
    await store.record([{ ...recording, decide: () => ({ events: [event] }) }], now);
    return await store.claimDeliveries({ ...CLAIM, now, lease: 'runner', handlerIds: ['a', 'b'] });
  }

  it('is woken by a message that another process stored, and not by its own', async () => {
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

  it('is woken by what another process recorded, gave back, redrove, replayed and made to be read again', async () => {
    const { other, woken } = await pair();
    const [one, two] = await claimed(other);
    const times = { startedAt: new Date(), finishedAt: new Date() };
    const attempt = { ...times, outcome: 'failed', error: { name: 'Error', message: '', stack: '' } } as const;
    const steps: readonly (() => Promise<unknown>)[] = [
      () =>
        other.settle(
          { deliveryId: one!.id, lease: 'runner', attempt, next: { state: 'pending', dueAt: new Date() } },
          new Date(),
        ),
      () => other.settle({ deliveryId: two!.id, lease: 'runner', attempt, next: { state: 'dead' } }, new Date()),
      () => other.redrive({}, decided(), new Date()),
      () =>
        other.replay(
          'again',
          [{ eventId: 'event', deliveries: [{ id: 'dlv_c', handlerId: 'c' }] }],
          decided(),
          new Date(),
        ),
      () => other.reread({ states: ['unknown'], quiet: true }, decided(), new Date()),
    ];
    for (const step of steps) {
      // Notifications that are due anyway must not be taken for this one's.
      await eventually(async () => {
        const before = woken.count;
        await new Promise((resolve) => setTimeout(resolve, 3 * LIMITS.notifyEveryMs));
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

  it('hears of a thousand messages a few times only', async () => {
    const { other, woken } = await pair();
    await Promise.all(Array.from({ length: 1_000 }, () => other.append(newMessage())));
    await eventually(() => woken.count > 0);
    expect(woken.count).toBeLessThan(100);
  });

  it('is woken when it listens again after its connection was lost, as it may have missed something', async () => {
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

  describe('runs a handler', () => {
    async function handledAfterMs(options: object): Promise<number> {
      const schema = schemas.next();
      const receiver = await Bench.open({ store: await open(schema, options), clock: systemClock as never });
      const dispatcher = await Bench.open({ store: await open(schema, options), clock: systemClock as never });
      let handledAt = 0;
      dispatcher.on('handler', () => void (handledAt = performance.now()));
      dispatcher.dispatcher.start();
      // It has looked, found nothing, and rests.
      await new Promise((resolve) => setTimeout(resolve, 100));
      const sentAt = performance.now();
      await receiver.send();
      await eventually(() => handledAt > 0);
      await dispatcher.close();
      return handledAt - sentAt;
    }

    it('sooner than it would look by itself', async () => {
      const times = [await handledAfterMs({}), await handledAfterMs({}), await handledAfterMs({})];
      expect(Math.min(...times)).toBeLessThan(LIMITS.pollMs / 2);
    });

    it('when it looks by itself, where notifications are off', async () => {
      expect(await handledAfterMs({ notify: false })).toBeLessThan(LIMITS.pollMs + 10_000);
    });
  });

  it('keeps one client of a pool of the app, and gives it back', async () => {
    const pool = new pg.Pool({ connectionString: POSTGRES_URL, max: 2 });
    const store = await open(schemas.next(), { pool });
    expect([pool.totalCount - pool.idleCount, pool.waitingCount]).toEqual([1, 0]);
    await store.close();
    expect(pool.totalCount - pool.idleCount).toBe(0);
    await pool.end();
  });
});
