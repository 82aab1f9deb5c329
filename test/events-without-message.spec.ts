import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ERASED_EVENT_DATA, type NewEvent, type Store } from 'nestjs-runhooks/core';
import { connectSqlite, type SqliteConnection } from 'inside/sqlite-connection';
import { SqliteStore } from 'inside/sqlite-store';
import { decided } from './decided.js';
import { DispatchHarness } from './dispatch/dispatch-harness.js';
import { claim, newMessage, NOW } from './hot-steps.js';
import { onPostgres, Schemas, SILENT } from './postgres/server.js';

const EVENT = 'job.silent:dbt/1';
const JOB_SILENT: NewEvent = {
  id: EVENT,
  type: 'job.silent',
  occurredAt: NOW,
  data: '{"job":"nightly"}',
  deliveries: [{ id: 'dlv_1', handlerId: 'plain' }],
};
const LATER = new Date(NOW.getTime() + 1);

/** An inbox, and its tables. */
interface Inbox {
  readonly store: Store;
  run(sql: (table: (name: string) => string) => string): Promise<unknown>;
}

/** No verb records an event without a message yet, so its message is removed. */
async function recordAlone({ store, run }: Inbox, key = '1', events = [JOB_SILENT]): Promise<void> {
  await store.append(newMessage(key));
  const [message] = await store.claimMessages({ ...claim, lease: 'a', sources: ['dbt'] });
  const decide = () => ({ events });
  await store.record([{ messageId: message!.id, lease: 'a', state: 'parsed', decide }], NOW);
  await run((table) => `update ${table('events')} set message_id = null`);
  await run((table) => `delete from ${table('messages')}`);
}

function ofRun(accountId: string, runId: string): NewEvent {
  const data = JSON.stringify({ run: { id: runId, account: { id: accountId } } });
  return { id: `run.ended:${accountId}/${runId}`, type: 'run.ended', occurredAt: NOW, data, deliveries: [] };
}

const purge = (store: Store, before: Date) =>
  store.purge({
    finishedBefore: before,
    deadBefore: before,
    deduplicationBefore: NOW,
    goodBefore: NOW,
    nodesBefore: NOW,
    tasksBefore: NOW,
    limit: 10,
  });

function keepsThem(open: () => Promise<Inbox>): void {
  let inbox: Inbox;
  beforeAll(async () => {
    inbox = await open();
    await recordAlone(inbox);
  });
  afterAll(() => inbox.store.close());

  const take = (lease: string) => inbox.store.claimDeliveries({ ...claim, lease, handlerIds: ['plain', 'again'] });
  const attempt = { startedAt: NOW, finishedAt: LATER, outcome: 'succeeded' } as const;

  it('lists and delivers it without a message', async () => {
    const { store } = inbox;
    const { items } = await store.events({ withoutMessage: true }, {});
    const fields = { id: EVENT, type: 'job.silent', provider: 'dbt-cloud', source: 'dbt', data: '{"job":"nightly"}' };
    expect(items).toEqual([{ ...fields, occurredAt: NOW, recordedAt: NOW }]);
    const [delivery] = await take('b');
    expect(delivery).toMatchObject({ id: 'dlv_1', event: fields });
    expect(delivery).not.toHaveProperty('message');
    expect(delivery?.event).not.toHaveProperty('messageId');
  });

  it('is not purged while it has unfinished deliveries', async () => {
    expect(await purge(inbox.store, LATER)).toMatchObject({ messages: 0, events: 0 });
  });

  it('records its first success with its delivery', async () => {
    const { store } = inbox;
    await store.record([{ deliveryId: 'dlv_1', lease: 'b', attempt, next: { state: 'succeeded' } }], NOW);
    const first = { deliveryId: 'dlv_1', attempt: 1, ...attempt, durationMs: 1 };
    expect(await store.attempts('dlv_1')).toEqual([first]);
  });

  it('is replayed', async () => {
    const { store } = inbox;
    const added = [{ eventId: EVENT, deliveries: [{ id: 'dlv_2', handlerId: 'again' }] }];
    expect(await store.replay('rpl_1', added, decided(), NOW)).toBe(1);
    expect((await take('c')).map(({ id }) => id)).toEqual(['dlv_2']);
  });

  it('dies with an event that has no message either', async () => {
    const { store } = inbox;
    const event = { id: 'delivery.dead:dlv_2', type: 'delivery.dead', occurredAt: NOW, data: '{}', deliveries: [] };
    const error = { name: 'Error', message: 'nightly', stack: '' };
    const failed = { ...attempt, outcome: 'failed', error } as const;
    await store.record(
      [
        {
          deliveryId: 'dlv_2',
          lease: 'c',
          attempt: failed,
          next: { state: 'dead' },
          decide: () => ({ events: [event] }),
        },
      ],
      NOW,
    );
    const { items } = await store.events({ withoutMessage: true }, {});
    expect(items.map(({ id }) => id).sort()).toEqual([event.id, EVENT]);
  });

  it('is erased by its id', async () => {
    const { store } = inbox;
    const erasure = { messageIds: [], eventIds: [EVENT], runs: [], texts: [] };
    expect(await store.erase(erasure, decided(), NOW)).toMatchObject({ messages: 0, events: 1, dismissed: 1 });
    const [attempted] = await store.attempts('dlv_2');
    expect(attempted?.error).toEqual({ name: 'erased', message: '', stack: '' });
    const more = [{ eventId: EVENT, deliveries: [{ id: 'dlv_3', handlerId: 'again' }] }];
    expect(await store.replay('rpl_2', more, decided(), NOW)).toBe(0);
  });

  it('is purged by the time at which it was recorded', async () => {
    const { store } = inbox;
    expect(await purge(store, NOW)).toMatchObject({ events: 0 });
    expect(await purge(store, LATER)).toMatchObject({ messages: 0, events: 2 });
    expect(await store.events({}, {})).toEqual({ items: [] });
    expect(await store.deliveries({}, {})).toEqual({ items: [] });
    expect(await store.attempts('dlv_2')).toEqual([]);
  });

  it('is erased with its run, and not with another one', async () => {
    const { store } = inbox;
    await recordAlone(inbox, '2', [ofRun('1', '7'), ofRun('2', '7'), ofRun('1', '8')]);
    const { inbox: operated } = await DispatchHarness.open({ store });
    const run = { source: 'dbt', accountId: '1', runId: '7' };
    expect(await operated.erase({ run, by: 'Kim', reason: 'request 17' })).toMatchObject({ messages: 0, events: 1 });
    const { items } = await store.events({ withoutMessage: true }, {});
    expect(items.filter(({ data }) => data === ERASED_EVENT_DATA).map(({ id }) => id)).toEqual([ofRun('1', '7').id]);
  });
}

describe('an event without a message on SQLite', () => {
  keepsThem(async () => {
    let connection: SqliteConnection | undefined;
    const store = new SqliteStore({ path: ':memory:' }, SILENT, async (file, driver) => {
      connection = await connectSqlite(file, driver);
      return connection;
    });
    await store.open();
    return {
      store,
      run: async (sql) =>
        connection?.all(
          sql((name) => name),
          [],
        ),
    };
  });
});

onPostgres('an event without a message on Postgres', () => {
  const schemas = new Schemas();
  keepsThem(async () => {
    const schema = schemas.next();
    const store = await schemas.open({ schema, notify: false });
    return { store, run: (sql) => schemas.query(sql((name) => `"${schema}".${name}`)) };
  });
});
