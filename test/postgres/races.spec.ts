import { afterEach, expect, it } from '@jest/globals';
import { rowsOf, type JobState, type Known, type Store } from 'nestjs-runhooks/core';
import { eventually } from './eventually.js';
import { KillablePool } from './killable-pool.js';
import { newMessage } from './messages.js';
import { onPostgres, Schemas } from './server.js';
import { decided } from '../decided.js';
import { stopAt } from './stop-at.js';

const NOW = new Date('2026-01-01T00:00:00Z');
const CLAIM = { now: NOW, leaseMs: 60_000, limit: 10 };

/** Two processes at the worst moments: one pauses in the middle of a transaction while the other acts. */
onPostgres('races between processes on Postgres', () => {
  const schemas = new Schemas();
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  async function open(schema: string): Promise<{ store: Store; pool: KillablePool }> {
    const pool = new KillablePool();
    const store = await schemas.open({ schema, pool, notify: false });
    closers.push(async () => {
      await store.close();
      await pool.end();
    });
    return { store, pool };
  }

  /** Creates two deliveries in a lane, of which the first is a dead letter. */
  async function laneWithDeadLetter() {
    const schema = schemas.next();
    const [one, two] = [await open(schema), await open(schema)];
    for (const id of ['dlv_1', 'dlv_2']) {
      await one.store.append(newMessage({ receivedAt: NOW }));
      const [message] = await one.store.claimMessages({ ...CLAIM, lease: 'reader', sources: ['source'] });
      const event = {
        id,
        type: 'run.failed',
        occurredAt: NOW,
        data: '{}',
        deliveries: [{ id, handlerId: 'handler', lane: 'lane' }],
      };
      const recording = {
        messageId: message!.id,
        lease: 'reader',
        state: 'parsed',
        decide: () => ({ events: [event] }),
      } as const;
      await one.store.record([recording], NOW);
    }
    const claim = async (store: Store, lease: string): Promise<string[]> => {
      const claimed = await store.claimDeliveries({ ...CLAIM, lease, handlerIds: ['handler'] });
      return claimed.map(({ id }) => id);
    };
    expect(await claim(one.store, 'first')).toEqual(['dlv_1']);
    const error = { name: 'Error', message: '', stack: '' };
    const attempt = { startedAt: NOW, finishedAt: NOW, outcome: 'failed', error } as const;
    await one.store.record([{ deliveryId: 'dlv_1', lease: 'first', attempt, next: { state: 'dead' } }], NOW);
    return { one, two, claim };
  }

  it('makes a redriven dead letter wait when a later delivery of its lane is just being claimed', async () => {
    const { one, two, claim } = await laneWithDeadLetter();
    const stop = stopAt(one.pool, /^update .*"deliveries"/);
    const claiming = claim(one.store, 'one');
    await stop.reached();
    await two.store.redrive({}, decided(), NOW);
    expect(await claim(two.store, 'two')).toEqual([]);
    stop.release();
    expect(await claiming).toEqual(['dlv_2']);
    expect(await claim(two.store, 'two')).toEqual([]);
  });

  it('lets only one process claim a dead letter redriven during another claim of its lane', async () => {
    const { one, two, claim } = await laneWithDeadLetter();
    const stop = stopAt(one.pool, /pg_try_advisory_xact_lock/);
    const claiming = claim(one.store, 'one');
    await stop.reached();
    await two.store.redrive({}, decided(), NOW);
    // The row is locked by the other process, so only the lane can prevent this claim.
    expect(await claim(two.store, 'two')).toEqual(['dlv_1']);
    stop.release();
    expect(await claiming).toEqual([]);
  });

  it('lets each of several simultaneous recordings about a new job see the earlier ones', async () => {
    const schema = schemas.next();
    const processes = await Promise.all(Array.from({ length: 4 }, () => open(schema)));
    for (let round = 0; round < 5; round += 1) {
      const knew: (number | undefined)[] = [];
      const job = { source: 'source', jobKey: `job-${round}` };
      const readings = [];
      for (const { store } of processes) {
        await store.append(newMessage({ receivedAt: NOW }));
        const [message] = await store.claimMessages({ ...CLAIM, limit: 1, lease: 'reader', sources: ['source'] });
        readings.push({ store, messageId: message!.id });
      }
      const decide = ({ jobs }: Known) => {
        const record = jobs?.get(job.jobKey) as JobState | undefined;
        knew.push(record && record.latestSuccessAt!.getTime() - NOW.getTime());
        return {
          events: [],
          jobs: new Map([[job.jobKey, { latestSuccessAt: new Date(NOW.getTime() + knew.length) }]]),
        };
      };
      await Promise.all(
        readings.map(({ store, messageId }) =>
          store.record([{ messageId, lease: 'reader', state: 'parsed', job, decide }], NOW),
        ),
      );
      expect(knew).toEqual([undefined, 1, 2, 3]);
    }
  });

  it('leaves no delivery without its event when a message is purged during a replay', async () => {
    const schema = schemas.next();
    const [one, two] = [await open(schema), await open(schema)];
    const message = newMessage({ receivedAt: NOW });
    await one.store.append(message);
    await one.store.claimMessages({ ...CLAIM, lease: 'reader', sources: ['source'] });
    const event = { id: 'event', type: 'run.failed', occurredAt: NOW, data: '{}', deliveries: [] };
    await one.store.record(
      [{ messageId: message.id, lease: 'reader', state: 'parsed', decide: () => ({ events: [event] }) }],
      NOW,
    );
    const later = new Date(NOW.getTime() + 1);
    const purge = {
      finishedBefore: later,
      deadBefore: later,
      deduplicationBefore: new Date(0),
      goodBefore: new Date(0),
      nodesBefore: new Date(0),
      tasksBefore: new Date(0),
      limit: 10,
    };
    const stop = stopAt(one.pool, /^insert into .*"deliveries"/);
    const replaying = one.store.replay(
      'again',
      [{ eventId: 'event', deliveries: [{ id: 'dlv_1', handlerId: 'handler' }] }],
      decided(),
      NOW,
    );
    await stop.reached();
    expect(rowsOf(await two.store.purge(purge))).toBe(0);
    stop.release();
    expect(await replaying).toBe(1);
    expect(rowsOf(await two.store.purge(purge))).toBe(0);
    const claimed = await two.store.claimDeliveries({ ...CLAIM, lease: 'two', handlerIds: ['handler'] });
    expect(claimed).toMatchObject([{ id: 'dlv_1', event: { id: 'event' } }]);
  });

  it('makes the second process wait and write nothing when a task is taken over during its evaluation', async () => {
    const schema = schemas.next();
    const [one, two] = [await open(schema), await open(schema)];
    const message = newMessage({ receivedAt: NOW });
    await one.store.append(message);
    await one.store.claimMessages({ ...CLAIM, lease: 'reader', sources: ['source'] });
    const task = { id: 'task', kind: 'stuck-run' as const, handlerId: 'handler', dueAt: NOW, data: '{}' };
    const decide = () => ({ events: [], tasks: [task] });
    await one.store.record([{ messageId: message.id, lease: 'reader', state: 'parsed', decide }], NOW);
    await one.store.claimTasks({ ...CLAIM, lease: 'one', handlerIds: ['handler'] });
    const stop = stopAt(one.pool, /^delete from .*"tasks"/);
    const evaluating = one.store.evaluate(
      { taskId: 'task', lease: 'one', question: {}, decide: () => ({ events: [] }) },
      NOW,
    );
    await stop.reached();
    const late = new Date(NOW.getTime() + CLAIM.leaseMs);
    expect(await two.store.claimTasks({ ...CLAIM, now: late, lease: 'two', handlerIds: ['handler'] })).toEqual([]);
    stop.release();
    expect(await evaluating).toEqual([]);
    expect((await two.store.counts()).checks).toBe(0);
  });

  it.each([
    ['one after the other if they share a lock', { locks: ['one'] }, { locks: ['other', 'one'] }, true],
    ['at the same time if they share no lock', { locks: ['one'] }, { locks: ['other'] }, false],
  ])('decides entries of two processes %s', async (_, of, ofOther, waits) => {
    const schema = schemas.next();
    const [one, two] = [await open(schema), await open(schema)];
    for (let count = 0; count < 2; count += 1) await one.store.append(newMessage({ receivedAt: NOW }));
    const [message, other] = await one.store.claimMessages({ ...CLAIM, lease: 'reader', sources: ['source'] });
    const fields = { lease: 'reader', state: 'parsed', decide: () => ({ events: [] }) } as const;
    const stop = stopAt(one.pool, /^update .*"messages"/);
    const recording = one.store.record([{ ...fields, ...of, messageId: message!.id }], NOW);
    await stop.reached();
    let isDone = false;
    const recordingOther = two.store
      .record([{ ...fields, ...ofOther, messageId: other!.id }], NOW)
      .finally(() => (isDone = true));
    const counted = (sql: string) => two.pool.query<{ count: number }>(sql).then(({ rows }) => rows[0]?.count ?? 0);
    const waiting = `select count(*)::int as count from pg_locks where locktype = 'advisory' and not granted`;
    await eventually(async () => (waits ? (await counted(waiting)) > 0 : isDone));
    expect(isDone).toBe(!waits);
    stop.release();
    expect(await Promise.all([recording, recordingOther])).toMatchObject([[{ recorded: true }], [{ recorded: true }]]);
  });

  it('lets only one process purge at a time', async () => {
    const schema = schemas.next();
    const [one, two] = [await open(schema), await open(schema)];
    const { id: messageId } = await one.store.append(newMessage({ receivedAt: NOW }));
    await one.store.claimMessages({ ...CLAIM, lease: 'reader', sources: ['source'] });
    const recording = { messageId, lease: 'reader', state: 'parsed', decide: () => ({ events: [] }) } as const;
    await one.store.record([recording], NOW);
    const later = new Date(NOW.getTime() + 1);
    const purge = {
      finishedBefore: later,
      deadBefore: later,
      deduplicationBefore: later,
      goodBefore: later,
      nodesBefore: later,
      tasksBefore: later,
      limit: 10,
    };
    const stop = stopAt(one.pool, /^delete from .*"message_keys"/);
    const purging = one.store.purge(purge);
    await stop.reached();
    expect(rowsOf(await two.store.purge(purge))).toBe(0);
    stop.release();
    // The number counts the message and its deduplication key.
    expect(rowsOf(await purging)).toBe(2);
  });
});
