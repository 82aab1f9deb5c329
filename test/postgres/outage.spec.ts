import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, StoreUnavailableError, type Store } from 'nestjs-runhooks/core';
import { systemClock } from 'nestjs-runhooks/internal';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import pg from 'pg';
import { SQL_LIMITS } from 'inside/sql-limits';
import { NEST_LIMITS } from 'inside/nest-limits';
import { DispatchHarness } from '../dispatch/dispatch-harness.js';
import { closeApps, dbtWebhook, startApp } from '../e2e/http-app.js';
import { eventually } from './eventually.js';
import { newMessage } from './messages.js';
import { onOwnPostgres, OwnPostgres } from './own-server.js';
import { Proxy } from './proxy.js';
import { SILENT } from './server.js';
import { decided } from '../decided.js';

/** Tolerance for a slow machine. Waiting for each connection in turn would take minutes. */
const SLACK_MS = 40_000;
/** Time within which a lost connection must be noticed. */
const NOTICED_MS = SQL_LIMITS.postgresResponseMs + SQL_LIMITS.postgresConnectMs + SLACK_MS;

async function open(connectionString: string): Promise<Store> {
  const store = postgresInbox({ connectionString }).createStore(SILENT);
  await store.open();
  return store;
}

onOwnPostgres('a PostgreSQL server that becomes unavailable', () => {
  let server: OwnPostgres;

  beforeAll(async () => {
    server = await OwnPostgres.start();
  });
  afterEach(closeApps);
  afterAll(() => server.remove());

  it.each(['fast', 'immediate'] as const)(
    'makes verbs reject after a stop that is %s, and succeed again when it is back',
    async (mode) => {
      const store = await open(server.url);
      const kept = newMessage();
      await store.append(kept);
      await server.stop(mode);
      const lost = newMessage();
      for (const tried of [store.append(lost), store.counts(), store.redrive({}, decided(), new Date())]) {
        await expect(tried).rejects.toThrow(StoreUnavailableError);
      }
      await server.start();
      expect((await eventually(() => store.append(kept))).status).toBe('duplicate');
      expect((await store.append(lost)).status).toBe('accepted');
      await store.close();
    },
  );

  it('causes 503 responses, and later accepts resent messages and resumes handling by itself', async () => {
    const app = await startApp('express', {
      webhooks: { inbox: postgresInbox({ connectionString: server.url, schema: 'app' }) },
    });
    const first = dbtWebhook();
    expect(await app.send(first)).toMatchObject({ status: 200 });
    expect(await app.handled()).toHaveLength(2);
    await server.stop('immediate');
    const second = dbtWebhook();
    expect(await app.send(second)).toMatchObject({
      status: 503,
      headers: { 'retry-after': String(NEST_LIMITS.retryAfterSeconds) },
      body: { status: 'unavailable' },
    });
    await server.start();
    await eventually(async () => (await app.send(second)).status === 200);
    expect(await app.send(first)).toMatchObject({ status: 200, body: { status: 'duplicate' } });
    expect(await app.handled()).toHaveLength(4);
  });

  it('interrupts a polling worker, which resumes by itself and is woken by notifications again', async () => {
    const [store, other] = await Promise.all([open(server.url), open(server.url)]);
    const harness = await DispatchHarness.open({ store, clock: systemClock as never });
    const handled: string[] = [];
    harness.on('handler', (event) => handled.push(event.id));
    harness.dispatcher.start();
    await harness.send({ run: 'before' });
    await eventually(() => handled.length === 1);
    await server.stop('immediate');
    await eventually(() => harness.lines.some((line) => line.startsWith('error: Inbox is unavailable')));
    await server.start();
    const sender = await DispatchHarness.open({ store: other, clock: systemClock as never });
    await eventually(() => sender.send({ run: 'after' }));
    await eventually(() => handled.length === 2);
    await sender.close();
    await harness.close();
  });

  it('makes verbs reject while it is a standby, and opening an inbox fails', async () => {
    const pool = new pg.Pool({ connectionString: server.url });
    let connected = 0;
    pool.on('connect', () => (connected += 1));
    const store = postgresInbox({ pool, notify: false }).createStore(SILENT);
    await store.open();
    await server.stop('fast');
    await server.start('standby');
    const message = newMessage();
    // The first call finds the connection dead, the second finds the standby.
    for (const tried of [1, 2]) {
      const failure = await store.append(message).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(StoreUnavailableError);
      if (tried === 2) expect((failure as Error).message).toContain('connect to the primary');
    }
    await expect(open(server.url)).rejects.toThrow(/^postgresInbox.connectionString: .*connect to the primary/);
    await server.promote();
    // Each retry opens a new connection, because the address may belong to the new primary by now.
    connected = 0;
    expect((await store.append(message)).status).toBe('accepted');
    expect(connected).toBe(1);
    await store.close();
    await pool.end();
  });

  it('fails the startup with an error that names the option but no password', async () => {
    await server.stop('fast');
    const url = server.url.replace('postgres@', 'postgres:secret@');
    const failure = await open(url).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigurationError);
    expect((failure as ConfigurationError).option).toBe('postgresInbox.connectionString');
    expect(String((failure as Error).message)).toContain('ECONNREFUSED');
    expect(String((failure as Error).stack)).not.toContain('secret');
    await server.start();
  });
});

onOwnPostgres('a network cut between the app and PostgreSQL', () => {
  let server: OwnPostgres;
  let proxy: Proxy;

  beforeAll(async () => {
    server = await OwnPostgres.start();
    proxy = await Proxy.start(server.port);
  });
  afterAll(async () => {
    await proxy.close();
    await server.remove();
  });

  const url = (): string => server.url.replace(String(server.port), String(proxy.port));

  describe.each([
    { pooled: 'its own pool', newPool: () => undefined },
    { pooled: "the app's pool, which waits forever", newPool: () => new pg.Pool({ connectionString: url() }) },
  ])('with $pooled', ({ newPool }) => {
    let store: Store;
    let pool: pg.Pool | undefined;

    beforeAll(async () => {
      pool = newPool();
      store = postgresInbox(pool ? { pool } : { connectionString: url() }).createStore(SILENT);
      await store.open();
    });

    it('is noticed in limited time, and drops every connection from before the cut at once', async () => {
      // Opens as many idle connections as allowed, because each would be waited for in turn.
      await Promise.all(Array.from({ length: 20 }, () => store.counts()));
      proxy.cut();
      const cutAt = performance.now();
      await expect(store.append(newMessage())).rejects.toThrow(StoreUnavailableError);
      expect(performance.now() - cutAt).toBeLessThan(NOTICED_MS);
      proxy.restore();
      const restoredAt = performance.now();
      for (let count = 0; count < 10; count += 1) await eventually(() => store.append(newMessage()));
      expect(performance.now() - restoredAt).toBeLessThan(NOTICED_MS);
    });

    it('does not delay closing', async () => {
      await store.append(newMessage());
      proxy.cut();
      const waiting = store.append(newMessage()).catch((error: unknown) => error);
      const closedAt = performance.now();
      await store.close();
      expect(performance.now() - closedAt).toBeLessThan(
        SQL_LIMITS.postgresCloseMs + SQL_LIMITS.postgresConnectMs + SLACK_MS,
      );
      expect(await waiting).toBeInstanceOf(StoreUnavailableError);
      proxy.restore();
    });

    afterAll(async () => {
      await proxy.close();
      proxy = await Proxy.start(server.port);
      await pool?.end();
    });
  });
});
