import { afterEach, expect, it } from '@jest/globals';
import type { Recording, Settlement, Store } from 'nestjs-runhooks/core';
import { held } from '../dispatch/dispatch-harness.js';
import { eventually } from './eventually.js';
import { KillablePool } from './killable-pool.js';
import { newMessage } from './messages.js';
import { onPostgres, Schemas } from './server.js';

const NOW = new Date('2026-01-01T00:00:00Z');
const CLAIM = { now: NOW, leaseMs: 60_000, limit: 10, lease: 'lease' };
const IDS = ['dlv_1', 'dlv_2'] as const;

onPostgres('batches on Postgres', () => {
  const schemas = new Schemas();
  const closers: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  async function openOn(pool: KillablePool): Promise<Store> {
    const store = await schemas.open({ pool, notify: false });
    closers.push(async () => {
      await store.close();
      await pool.end();
    });
    return store;
  }

  async function openClaimed(): Promise<{ store: Store; pool: KillablePool }> {
    const pool = new KillablePool();
    // The plan of a large table, which looks up the given rows one after the other.
    const plan = 'set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off';
    pool.on('connect', (client) => void client.query(plan));
    const store = await openOn(pool);
    await store.append(newMessage({ receivedAt: NOW }));
    const [message] = await store.claimMessages({ ...CLAIM, sources: ['source'] });
    const events = IDS.map((id) => {
      return { id, type: 'run.failed', occurredAt: NOW, data: '{}', deliveries: [{ id, handlerId: 'handler' }] };
    });
    await store.record([{ messageId: message!.id, lease: 'lease', state: 'parsed', decide: () => ({ events }) }], NOW);
    expect(await store.claimDeliveries({ ...CLAIM, handlerIds: ['handler'] })).toHaveLength(2);
    return { store, pool };
  }

  it.each([
    ['in the order of their start', IDS],
    ['in another order', [...IDS].reverse()],
  ])('settle deliveries that are being renewed without a deadlock: ended %s', async (_, ended) => {
    const { store, pool } = await openClaimed();
    const { promise, release } = held();
    let [updates, rollbacks] = [0, 0];
    pool.onQuery = (text) => {
      if (text === 'rollback') rollbacks += 1;
      if (!text.startsWith('update')) return undefined;
      updates += 1;
      return updates === 2 ? promise : undefined;
    };
    const renewed = store.renew(
      IDS.map((id) => ({ id, lease: 'lease' })),
      CLAIM,
    );
    await eventually(() => updates === 2);
    const settled = store.record(
      ended.map((deliveryId): Settlement => {
        const attempt = { startedAt: NOW, finishedAt: NOW, outcome: 'succeeded' } as const;
        return { deliveryId, lease: 'lease', attempt, next: { state: 'succeeded' } };
      }),
      NOW,
    );
    // The settlement waits for the first delivery, and may have changed the second one.
    await new Promise((resolve) => setTimeout(resolve, 300));
    release();
    const written = (await settled).map(({ recorded }) => recorded);
    expect([await renewed, written, rollbacks]).toEqual([[...IDS], [true, true], 0]);
  });

  it('erase a message about a run that is being recorded without a deadlock', async () => {
    const pool = new KillablePool();
    const store = await openOn(pool);
    await store.append(newMessage({ receivedAt: NOW }));
    const [message] = await store.claimMessages({ ...CLAIM, sources: ['source'] });
    const messageId = message!.id;
    const run = { source: 'source', accountId: '1', runId: '7' };
    const { promise, release } = held();
    let [writes, rollbacks] = [0, 0];
    pool.onQuery = (text) => {
      if (text === 'rollback') rollbacks += 1;
      if (!/^update \S+"messages"/.test(text)) return undefined;
      writes += 1;
      return writes === 1 ? promise : undefined;
    };
    const recorded = store.record(
      [{ messageId, lease: 'lease', state: 'parsed', run, decide: () => ({ events: [] }) }],
      NOW,
    );
    // The recording has locked the run, and not yet written the message.
    await eventually(() => writes === 1);
    const erasure = { messageIds: [messageId], eventIds: [], runs: [run], texts: [] };
    const erased = store.erase(erasure, { id: 'erase', by: 'test', details: '{}' }, NOW);
    await new Promise((resolve) => setTimeout(resolve, 300));
    release();
    expect([(await recorded)[0]?.recorded, (await erased).messages, rollbacks]).toEqual([true, 1, 0]);
  });

  it('record parsed messages in six statements, and attempts in three, however many there are', async () => {
    const { store, pool } = await openClaimed();
    for (let count = 0; count < 20; count += 1) await store.append(newMessage({ receivedAt: NOW }));
    const messages = await store.claimMessages({ ...CLAIM, limit: 20, sources: ['source'] });
    const ran: string[] = [];
    pool.onQuery = (text) => void ran.push(text);
    const recorded = await store.record(
      messages.map(({ id: messageId }, index): Recording => ({
        messageId,
        lease: 'lease',
        state: 'parsed',
        run: { source: 'source', accountId: '1', runId: messageId },
        job: { source: 'source', jobKey: `job-${index % 3}` },
        handlers: ['handler@1'],
        decide: () => ({
          run: { jobKey: `job-${index % 3}`, contradicted: false, types: ['run.failed'] },
          jobs: new Map([[`job-${index % 3}`, {}]]),
          events: [{ id: messageId, type: 'run.failed', occurredAt: NOW, data: '{}', deliveries: [] }],
        }),
      })),
      NOW,
    );
    expect([recorded.every((one) => one.recorded), ran.splice(0).length]).toEqual([true, 6]);
    await store.record(
      IDS.map((deliveryId): Settlement => {
        const attempt = { startedAt: NOW, finishedAt: NOW, outcome: 'succeeded' } as const;
        return { deliveryId, lease: 'lease', attempt, next: { state: 'succeeded' } };
      }),
      NOW,
    );
    expect(ran).toHaveLength(3);
  });
});
