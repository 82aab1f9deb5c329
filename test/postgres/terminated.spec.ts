import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { Store } from 'nestjs-runhooks/core';
import { postgresInbox, type PostgresInboxOptions } from 'nestjs-runhooks/postgres';
import pg from 'pg';
import { eventually } from './eventually.js';
import { newMessage } from './messages.js';
import { onOwnPostgres, OwnPostgres } from './own-server.js';
import { Proxy } from './proxy.js';
import { SILENT } from './server.js';

/** The process would end if a connection had no listener for errors at that moment. */
onOwnPostgres('a PostgreSQL server that terminates connections', () => {
  let server: OwnPostgres;
  let proxy: Proxy;
  const closers: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    server = await OwnPostgres.start();
    proxy = await Proxy.start(server.port);
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });
  afterAll(async () => {
    await proxy.close();
    await server.remove();
  });

  const url = (): string => server.url.replace(String(server.port), String(proxy.port));

  async function open(options: PostgresInboxOptions): Promise<Store> {
    const store = postgresInbox(options).createStore(SILENT);
    closers.unshift(() => store.close());
    await store.open();
    return store;
  }

  it('lets the inbox continue when a new connection ends as it becomes ready', async () => {
    const store = await open({ connectionString: url(), notify: false });
    const busy = Array.from({ length: 5 }, () => store.counts());
    proxy.terminateNext();
    await Promise.allSettled(busy);
    expect((await eventually(() => store.append(newMessage()))).status).toBe('accepted');
  });

  it("lets the inbox continue when a connection of the app's pool ends as it is handed over", async () => {
    const pool = new pg.Pool({ connectionString: url(), max: 1 });
    closers.push(() => pool.end());
    await pool.query('select 1');
    const store = await open({ pool, notify: false });
    await store.append(newMessage());
    const asked = pool.query('select 1');
    const waiting = store.append(newMessage()).catch(() => undefined);
    proxy.terminateNext();
    await Promise.allSettled([asked, waiting]);
    expect((await eventually(() => store.append(newMessage()))).status).toBe('accepted');
  });

  it('lets the inbox continue when connections end at any moment', async () => {
    const name = 'terminated';
    const store = await open({ connectionString: `${server.url}?application_name=${name}` });
    const admin = new pg.Pool({ connectionString: server.url, max: 1 });
    closers.push(() => admin.end());
    let isOver = false;
    const append = async (): Promise<void> => {
      while (!isOver) await store.append(newMessage()).catch(() => undefined);
    };
    const appending = Array.from({ length: 8 }, append);
    const terminate = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${name}'`;
    for (let times = 0; times < 200; times += 1) await admin.query(`${terminate} and random() < 0.3`);
    isOver = true;
    await Promise.all(appending);
    expect((await eventually(() => store.append(newMessage()))).status).toBe('accepted');
  });
});
