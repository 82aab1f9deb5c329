import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError, type Store } from 'nestjs-runhooks/core';
import { storeContract } from 'nestjs-runhooks/testing';
import pg from 'pg';
import { failureOf } from '../faults/failure-of.js';
import { eventually } from './eventually.js';
import { newMessage } from './messages.js';
import { freePort } from './own-server.js';
import { onPostgres, POSTGRES_URL, Schemas } from './server.js';

/** Debian installs pgbouncer in a directory that is only on root's path. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/sbin`;

function isInstalled(): boolean {
  try {
    execFileSync('pgbouncer', ['--version'], { env: { ...process.env, PATH }, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** A pgbouncer of this test in front of the server. */
class PgBouncer {
  private constructor(
    readonly url: string,
    readonly directory: string,
    readonly process: ChildProcess,
  ) {}

  static async start(mode: 'session' | 'transaction'): Promise<PgBouncer> {
    const { hostname, port, username, password, pathname } = new URL(POSTGRES_URL);
    const directory = mkdtempSync(join(tmpdir(), 'runhooks-pgbouncer-'));
    const ownPort = await freePort();
    const secret = password === '' ? '' : ` password=${decodeURIComponent(password)}`;
    writeFileSync(
      join(directory, 'pgbouncer.ini'),
      `[databases]
       * = host=${hostname} port=${port || 5432}${secret}
       [pgbouncer]
       listen_addr = 127.0.0.1
       listen_port = ${ownPort}
       unix_socket_dir =
       auth_type = any
       pool_mode = ${mode}
       default_pool_size = 20
       ignore_startup_parameters = extra_float_digits
      `
        .replace(/^ +/gm, '')
        .replaceAll('* = host', `${pathname.slice(1)} = user=${username} host`),
    );
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(directory, Number(execFileSync('id', ['-u', 'postgres'])), -1);
    const child = spawn('pgbouncer', ['-q', ...(isRoot ? ['-u', 'postgres'] : []), join(directory, 'pgbouncer.ini')], {
      env: { ...process.env, PATH },
      stdio: 'ignore',
    });
    const url = `postgres://${username}@127.0.0.1:${ownPort}${pathname}`;
    await eventually(async () => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.end();
      return true;
    });
    return new PgBouncer(url, directory, child);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGKILL');
    await ended;
    rmSync(this.directory, { recursive: true, force: true });
  }
}

onPostgres('pgbouncer between the app and Postgres', () => {
  if (!isInstalled()) {
    it.skip('is not tested: there is no pgbouncer', () => undefined);
    return;
  }
  const schemas = new Schemas();
  let bouncer: PgBouncer;
  afterAll(() => bouncer.stop());

  describe('pgbouncer in transaction mode', () => {
    beforeAll(async () => {
      bouncer = await PgBouncer.start('transaction');
    });
    afterAll(() => bouncer.stop());

    it('fails the startup with notifications on; the error names the option and the fix', async () => {
      const failure = await failureOf(schemas.open({ connectionString: bouncer.url }));
      expect(failure).toBeInstanceOf(ConfigurationError);
      expect((failure as ConfigurationError).option).toBe('postgresInbox.notify');
      expect((failure as ConfigurationError).message).toMatch(/transaction mode.*notify: false/);
    });

    describe('without notifications: the store contract', () => {
      const schemaOf = new Map<Store, string>();

      async function open(schema: string): Promise<Store> {
        const store = await schemas.open({ connectionString: bouncer.url, schema, notify: false, connectionsMax: 4 });
        schemaOf.set(store, schema);
        return store;
      }

      async function reopen(store: Store): Promise<Store> {
        await store.close();
        return await open(schemaOf.get(store) ?? '');
      }

      for (const { title, run } of storeContract(async () => open(await schemas.emptied()), {
        reopen,
        settlesWith: true,
        releases: true,
        keepsRounds: true,
        keepsResults: true,
        keepsActions: true,
      }))
        it(title, run);
    });

    it('serves ten replicas that start at once', async () => {
      const options = { connectionString: bouncer.url, schema: schemas.next(), notify: false, connectionsMax: 2 };
      const stores = await Promise.all(Array.from({ length: 10 }, () => schemas.open(options)));
      for (const store of stores) expect((await store.append(newMessage())).status).toBe('accepted');
      await Promise.all(stores.map((store) => store.close()));
    });
  });

  describe('pgbouncer in session mode', () => {
    beforeAll(async () => {
      bouncer = await PgBouncer.start('session');
    });

    it('passes notifications', async () => {
      const schema = schemas.next();
      const store = await schemas.open({ connectionString: bouncer.url, schema });
      const other = await schemas.open({ connectionString: bouncer.url, schema });
      let woken = 0;
      store.onWork?.(() => (woken += 1));
      await other.append(newMessage());
      await eventually(() => woken > 0);
      await Promise.all([store.close(), other.close()]);
    });
  });
});
