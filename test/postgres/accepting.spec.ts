import { afterEach, expect, it } from '@jest/globals';
import type { NewMessage, Store } from 'nestjs-runhooks/core';
import pg from 'pg';
import { newMessage } from './messages.js';
import { onPostgres, POSTGRES_URL, Schemas } from './server.js';

const MUCH = 500;

onPostgres('accepting messages into Postgres', () => {
  const schemas = new Schemas();
  const opened: Store[] = [];
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
  });

  async function open(schema = schemas.next(), options = {}): Promise<{ store: Store; schema: string }> {
    const store = await schemas.open({ schema, ...options });
    opened.push(store);
    return { store, schema };
  }

  const appendAll = (store: Store, messages: readonly NewMessage[]) =>
    Promise.all(messages.map((message) => store.append(message)));

  it('commits simultaneous messages in a few transactions', async () => {
    const { store, schema } = await open();
    await appendAll(
      store,
      Array.from({ length: MUCH }, () => newMessage()),
    );
    const [found] = await schemas.query<{ commits: number; messages: number }>(
      `select count(distinct xmin::text)::integer as commits, count(*)::integer as messages from "${schema}".messages`,
    );
    expect(found?.messages).toBe(MUCH);
    expect(found?.commits).toBeLessThanOrEqual(10);
  });

  it("waits for the disk even if the role's default does not", async () => {
    const schema = schemas.next();
    const { role, connectionString } = await schemas.newRole();
    await schemas.query(`alter role "${role}" set synchronous_commit = off;
      alter role "${role}" set default_transaction_isolation = 'serializable';
      alter role "${role}" set default_transaction_read_only = on;
      create schema "${schema}" authorization "${role}"`);
    const { store } = await open(schema, { connectionString });
    // The trigger reads the setting inside the transaction itself.
    await schemas.query(`
      create table "${schema}".seen (setting text, isolation text);
      grant insert on "${schema}".seen to "${role}";
      create function "${schema}".see() returns trigger language plpgsql as $$ begin
        insert into "${schema}".seen values (current_setting('synchronous_commit'), current_setting('transaction_isolation'));
        return null;
      end $$;
      create trigger see after insert or update on "${schema}".messages execute function "${schema}".see()`);
    await store.append(newMessage());
    await store.claimMessages({ now: new Date(), leaseMs: 1_000, limit: 1, lease: 'lease', sources: ['source'] });
    const seen = { setting: 'on', isolation: 'read committed' };
    expect(await schemas.query(`select * from "${schema}".seen`)).toEqual([seen, seen]);
  });

  it('keeps the bytes of a message the server rejects, and accepts the others of its batch', async () => {
    const { store, schema } = await open();
    await schemas.query(`alter table "${schema}".messages add check (headers not like '%refused%')`);
    const rejected = newMessage({ headers: { 'x-say': 'refused' } });
    const others = Array.from({ length: 50 }, () => newMessage());
    const appended = await appendAll(store, [...others, rejected, ...Array.from({ length: 50 }, () => newMessage())]);
    expect(new Set(appended.map(({ status }) => status))).toEqual(new Set(['accepted']));
    expect(await store.counts()).toMatchObject({ messages: { stored: 100, quarantined: 1 } });
    expect(await store.message(rejected.id)).toMatchObject({ state: 'quarantined', headers: {}, body: rejected.body });
    expect((await store.append({ ...rejected, id: newMessage().id })).status).toBe('duplicate');
  });

  it('recognizes simultaneous copies received by several processes', async () => {
    const { store, schema } = await open();
    const stores = [store, (await open(schema)).store, (await open(schema)).store];
    const copies = Array.from({ length: 20 }, () => newMessage());
    const appended = await Promise.all(
      stores.flatMap((one) => copies.map(({ messageKey, body }) => one.append(newMessage({ messageKey, body })))),
    );
    expect(appended.filter(({ status }) => status === 'accepted')).toHaveLength(20);
    const byKey = appended.map(({ id }, index) => [index % 20, id] as const);
    for (let key = 0; key < 20; key += 1) {
      expect(new Set(byKey.filter(([one]) => one === key).map(([, id]) => id)).size).toBe(1);
    }
  });

  it('survives batches with the same keys in different orders', async () => {
    const { store, schema } = await open();
    const { store: other } = await open(schema);
    for (let round = 0; round < 5; round += 1) {
      const copies = Array.from({ length: 100 }, () => newMessage());
      const again = copies.map(({ messageKey, body }) => newMessage({ messageKey, body })).reverse();
      const appended = await Promise.all([appendAll(store, copies), appendAll(other, again)]);
      expect(appended.flat().filter(({ status }) => status === 'accepted')).toHaveLength(100);
    }
  });

  it.each(['a NUL \0', 'a lone surrogate \ud800', 'the sign for what was replaced \u241b, \u241b0000', 'a duck 🦆'])(
    'returns every string unchanged: %j',
    async (text) => {
      const { store } = await open(await schemas.emptied());
      const message = newMessage({ messageKey: text, headers: { 'x-text': text } });
      await Promise.all([store.append(message), store.append(newMessage())]);
      expect(await store.message(message.id)).toMatchObject({ messageKey: text, headers: { 'x-text': text } });
      expect(await store.message(text)).toBeUndefined();
      expect((await store.events({ ids: [text] }, {})).items).toEqual([]);
    },
  );

  it('stores bodies too large for one batch in several', async () => {
    const { store } = await open(await schemas.emptied());
    const messages = Array.from({ length: 12 }, (_, index) => newMessage({ body: Buffer.alloc(1024 * 1024, index) }));
    expect((await appendAll(store, messages)).map(({ status }) => status)).toEqual(messages.map(() => 'accepted'));
    expect(Buffer.compare((await store.message(messages[11]!.id))!.body, messages[11]!.body)).toBe(0);
  });

  it('reports that it is unavailable when too many messages wait', async () => {
    const { store } = await open(await schemas.emptied());
    const body = Buffer.from('{}');
    const results = await Promise.allSettled(
      Array.from({ length: 10_100 }, (_, index) => store.append(newMessage({ body, messageKey: `${index % 3}` }))),
    );
    const rejected = results.filter(({ status }) => status === 'rejected');
    expect(rejected).toHaveLength(100);
    expect(String((rejected[0] as PromiseRejectedResult).reason)).toContain('10000 messages are already waiting');
  });

  it('is not blocked forever when another session holds a lock', async () => {
    const { store, schema } = await open();
    const client = new pg.Client({ connectionString: POSTGRES_URL });
    await client.connect();
    await client.query(`begin; lock table "${schema}".message_keys in exclusive mode`);
    await expect(store.append(newMessage())).rejects.toMatchObject({ code: 'RUNHOOKS_STORE_UNAVAILABLE' });
    await client.query('rollback');
    await client.end();
    expect((await store.append(newMessage())).status).toBe('accepted');
  });
});
