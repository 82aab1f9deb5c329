import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { NewDelivery, Store } from 'nestjs-runhooks/core';
import { connectSqlite, type SqliteConnection } from 'inside/sqlite-connection';
import { SqliteStore } from 'inside/sqlite-store';
import { decided } from './decided.js';
import { held } from './dispatch/dispatch-harness.js';
import { eventually } from './postgres/eventually.js';
import { KillablePool } from './postgres/killable-pool.js';
import { newMessage } from './postgres/messages.js';
import { onPostgres, Schemas, SILENT } from './postgres/server.js';

const HOUR = 3_600_000;
const RECEIVED = new Date('2026-01-01T12:00:30Z');
const RECORDED = new Date('2026-01-01T12:05:00Z');
const FINISHED = new Date('2026-01-01T12:07:59.999Z');
const MUCH_LATER = new Date(FINISHED.getTime() + HOUR);
const CLAIM = { now: RECORDED, leaseMs: HOUR, limit: 100 };

/** An inbox, and its tables. */
interface Inbox {
  readonly store: Store;
  run(sql: (table: (name: string) => string) => string): Promise<readonly object[]>;
}

interface Row {
  readonly minute: number;
  readonly source: string;
  readonly kind: string;
  readonly process_id: string;
  readonly amount: number;
}

const minute = (time: Date): number => Math.floor(time.getTime() / 60_000);
const ONE_OF_EACH = { 'messages.parsed': 1, events: 1, 'deliveries.succeeded': 1 };

/** Records a message with one event and one delivery. */
async function record(store: Store, { source = 'source', receivedAt = RECEIVED } = {}): Promise<string> {
  const message = newMessage({ source, receivedAt });
  await store.append(message);
  await store.claimMessages({ ...CLAIM, lease: 'reader', sources: [source] });
  const deliveries: NewDelivery[] = [{ id: `dlv_${message.id}`, handlerId: 'handler' }];
  const event = { id: message.id, type: 'run.failed', occurredAt: RECEIVED, data: '{}', deliveries };
  const decide = () => ({ events: [event] });
  await store.record([{ messageId: message.id, lease: 'reader', state: 'parsed', decide }], RECORDED);
  return message.id;
}

/** Settles the delivery of a recorded message. */
async function settle(store: Store, messageId: string, state: 'succeeded' | 'skipped' = 'succeeded'): Promise<void> {
  await store.claimDeliveries({ ...CLAIM, lease: 'worker', handlerIds: ['handler'] });
  const attempt = { startedAt: RECORDED, finishedAt: FINISHED, outcome: state } as const;
  const settlement = { deliveryId: `dlv_${messageId}`, lease: 'worker', attempt, next: { state } } as const;
  expect(await store.record([settlement], FINISHED)).toMatchObject([{ recorded: true }]);
}

/** Purges what was received before a time. */
const purge = (store: Store, before: Date, brakedAt?: Date) =>
  store.purge({
    finishedBefore: before,
    deadBefore: before,
    deduplicationBefore: new Date(0),
    goodBefore: new Date(0),
    nodesBefore: new Date(0),
    tasksBefore: new Date(0),
    limit: 100,
    ...(brakedAt && { brake: { now: brakedAt, share: 1, rowsMin: 100 } }),
  });

async function rowsOf({ run }: Inbox): Promise<Row[]> {
  const rows = (await run((table) => `select * from ${table('series')}`)) as Row[];
  return rows
    .map((row) => ({ ...row, minute: Number(row.minute), amount: Number(row.amount) }))
    .sort((one, other) => one.minute - other.minute);
}

/** Returns the sums of rows by kind, except those that are 0. */
function sums(rows: readonly Row[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const { kind, amount } of rows) sum[kind] = (sum[kind] ?? 0) + amount;
  return Object.fromEntries(Object.entries(sum).filter(([, amount]) => amount !== 0));
}

const totals = async (inbox: Inbox) => sums((await rowsOf(inbox)).filter((row) => row.minute === 0));
const plotted = async (inbox: Inbox) => sums((await rowsOf(inbox)).filter((row) => row.minute > 0));

/** Compares the counts with the rows of the tables. */
async function expectExact({ store, run }: Inbox): Promise<void> {
  const { messages, events, deliveries } = await store.counts();
  for (const [table, where, count] of [
    ['messages', `state = 'parsed'`, messages.parsed],
    ['events', 'true', events],
    ['deliveries', `state = 'succeeded'`, deliveries.succeeded],
  ] as const) {
    const [row] = (await run((name) => `select count(*) as rows from ${name(table)} where ${where}`)) as {
      rows: number;
    }[];
    expect([table, count]).toEqual([table, Number(row?.rows)]);
  }
}

function keepsSeries(open: () => Promise<Inbox>): void {
  let inbox: Inbox;
  beforeEach(async () => {
    inbox = await open();
  });
  afterEach(() => inbox.store.close());

  it('counts rows by source, in the minute of each and in the totals', async () => {
    const { store } = inbox;
    await settle(store, await record(store));
    await settle(store, await record(store));
    await record(store, { source: 'other' });
    await expectExact(inbox);
    await purge(store, new Date(0));
    const rows = (await rowsOf(inbox)).filter((row) => row.minute > 0 && row.source === 'source');
    expect(rows.map((row) => [row.minute, row.kind, row.amount])).toEqual([
      [minute(RECEIVED), 'messages.parsed', 2],
      [minute(RECORDED), 'events', 2],
      [minute(FINISHED), 'deliveries.succeeded', 2],
    ]);
    expect(await totals(inbox)).toEqual({ 'messages.parsed': 3, events: 3, 'deliveries.succeeded': 2 });
  });

  it('counts nothing while a message is stored, or if its delivery is skipped', async () => {
    const { store } = inbox;
    await store.append(newMessage({ receivedAt: RECEIVED }));
    expect(await rowsOf(inbox)).toEqual([]);
    await settle(store, await record(store), 'skipped');
    expect((await rowsOf(inbox)).filter(({ kind }) => kind === 'deliveries.succeeded')).toEqual([]);
  });

  it('counts an event that exists already once', async () => {
    const { store } = inbox;
    const id = await record(store);
    await store.append(newMessage({ receivedAt: RECEIVED }));
    const [again] = await store.claimMessages({ ...CLAIM, lease: 'reader', sources: ['source'] });
    const decide = () => ({ events: [{ id, type: 'run.failed', occurredAt: RECEIVED, data: '{}', deliveries: [] }] });
    await store.record([{ messageId: again!.id, lease: 'reader', state: 'parsed', decide }], RECORDED);
    expect(await totals(inbox)).toEqual({ 'messages.parsed': 2, events: 1 });
    await expectExact(inbox);
  });

  it('counts the event of a dead letter', async () => {
    const { store } = inbox;
    const id = await record(store);
    await store.claimDeliveries({ ...CLAIM, lease: 'worker', handlerIds: ['handler'] });
    const error = { name: 'Error', message: '', stack: '' };
    const attempt = { startedAt: RECORDED, finishedAt: FINISHED, outcome: 'failed', error } as const;
    const event = { id: 'dead', type: 'delivery.dead', occurredAt: FINISHED, data: '{}', deliveries: [] };
    const settlement = { deliveryId: `dlv_${id}`, lease: 'worker', attempt, next: { state: 'dead' } } as const;
    await store.record([{ ...settlement, decide: () => ({ events: [event] }) }], FINISHED);
    expect(await totals(inbox)).toEqual({ 'messages.parsed': 1, events: 2 });
    await expectExact(inbox);
  });

  it('keeps the total apart from the minute of a clock that starts in 1970', async () => {
    const { store } = inbox;
    await record(store, { receivedAt: new Date(5) });
    await expectExact(inbox);
    expect((await rowsOf(inbox)).filter(({ kind }) => kind === 'messages.parsed').map((row) => row.minute)).toEqual([
      0, 1,
    ]);
  });

  it('takes purged rows from the totals, and keeps the minutes in which they came as long as finished messages', async () => {
    const { store } = inbox;
    await settle(store, await record(store));
    await purge(store, new Date(RECEIVED.getTime() + 1));
    await expectExact(inbox);
    expect([await totals(inbox), await plotted(inbox)]).toEqual([{}, ONE_OF_EACH]);
    await purge(store, MUCH_LATER);
    expect([await totals(inbox), await plotted(inbox)]).toEqual([{}, {}]);
  });

  it('takes an erased message from the totals, but not its events', async () => {
    const { store } = inbox;
    const id = await record(store);
    await settle(store, id);
    await store.erase({ messageIds: [id], eventIds: [], runs: [], texts: [] }, decided(), FINISHED);
    await expectExact(inbox);
    expect(await totals(inbox)).toEqual({ events: 1, 'deliveries.succeeded': 1 });
    expect(await plotted(inbox)).toEqual(ONE_OF_EACH);
    await purge(store, MUCH_LATER);
    await expectExact(inbox);
    expect(await totals(inbox)).toEqual({});
  });

  it('leaves parsed messages alone when they are to be reparsed', async () => {
    const { store } = inbox;
    await record(store);
    const states = ['parsed'] as never;
    expect(await store.reparse({ states, withoutHandlers: false }, decided(), FINISHED)).toBe(0);
    await expectExact(inbox);
  });

  it('folds the rows of processes into one for each minute, source and kind, and keeps every sum', async () => {
    const { store, run } = inbox;
    await settle(store, await record(store));
    const at = minute(RECEIVED);
    for (const processId of ['a', 'b']) {
      await run(
        (table) => `insert into ${table('series')} (minute, source, kind, process_id, amount)
        values (0, 'source', 'events', '${processId}', 10), (${at}, 'source', 'events', '${processId}', 10)`,
      );
    }
    const before = await store.counts();
    expect(before.events).toBe(21);
    await purge(store, new Date(0));
    const rows = await rowsOf(inbox);
    expect(rows.filter((row) => row.process_id !== '')).toEqual([]);
    expect(rows.filter((row) => row.kind === 'events').map((row) => [row.minute, row.amount])).toEqual([
      [0, 21],
      [at, 20],
      [minute(RECORDED), 1],
    ]);
    expect(await store.counts()).toEqual(before);
    await purge(store, new Date(0));
    expect(await rowsOf(inbox)).toEqual(rows);
  });

  it('removes no minutes while a clock jump holds purging back', async () => {
    const { store } = inbox;
    await settle(store, await record(store));
    await purge(store, new Date(0), FINISHED);
    await purge(store, MUCH_LATER, new Date(FINISHED.getTime() + 1_000 * HOUR));
    await expectExact(inbox);
    expect(await plotted(inbox)).toEqual(ONE_OF_EACH);
  });
}

describe('the series of an inbox on SQLite', () => {
  keepsSeries(async () => {
    let connection: SqliteConnection | undefined;
    const store = new SqliteStore({ path: ':memory:' }, SILENT, async (file, driver) => {
      connection = await connectSqlite(file, driver);
      return connection;
    });
    await store.open();
    const run: Inbox['run'] = async (sql) =>
      (connection?.all(
        sql((name) => name),
        [],
      ) ?? []) as object[];
    return { store, run };
  });
});

onPostgres('the series of an inbox on Postgres', () => {
  const schemas = new Schemas();
  const inboxIn = (schema: string, store: Store): Inbox => ({
    store,
    run: (sql) => schemas.query(sql((name) => `"${schema}".${name}`)),
  });

  keepsSeries(async () => {
    const schema = await schemas.emptied();
    return inboxIn(schema, await schemas.open({ schema, notify: false }));
  });

  describe('while a transaction that has counted is not committed', () => {
    let inbox: Inbox;
    let pool: KillablePool;
    let settling: Promise<unknown>;
    let commit: () => void;

    beforeEach(async () => {
      const schema = await schemas.emptied();
      pool = new KillablePool();
      inbox = inboxIn(schema, await schemas.open({ schema, pool, notify: false }));
      const { store } = inbox;
      const id = await record(store);
      const { promise, release } = held();
      let isCounted = false;
      let isReached = false;
      pool.onQuery = (text) => {
        if (/"series"/.test(text)) isCounted = true;
        if (text !== 'commit' || !isCounted || isReached) return undefined;
        isReached = true;
        return promise;
      };
      settling = settle(store, id);
      commit = release;
      await eventually(() => isReached);
    });

    afterEach(async () => {
      commit();
      await settling;
      await inbox.store.close();
      await pool.end();
    });

    it('lets another transaction of the same process count the same minute and source', async () => {
      await settle(inbox.store, await record(inbox.store));
      commit();
      await settling;
      await expectExact(inbox);
      expect((await inbox.store.counts()).deliveries.succeeded).toBe(2);
    });

    it('folds the other rows, and loses no number', async () => {
      const { store } = inbox;
      await purge(store, new Date(0));
      expect((await totals(inbox))['messages.parsed']).toBe(1);
      commit();
      await settling;
      await expectExact(inbox);
      await purge(store, new Date(0));
      await expectExact(inbox);
      expect((await rowsOf(inbox)).filter((row) => row.process_id !== '')).toEqual([]);
    });
  });
});
