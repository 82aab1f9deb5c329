import { afterEach, describe, expect, it } from '@jest/globals';
import { ConfigurationError, type Logger, type Store } from 'nestjs-runhooks/core';
import { postgresInbox, type PostgresInboxOptions, type PostgresPool } from 'nestjs-runhooks/postgres';
import pg from 'pg';
import { failureOf } from '../faults/failure-of.js';
import { newMessage } from './messages.js';
import { onPostgres, POSTGRES_URL, Schemas, SILENT, TABLES } from './server.js';

onPostgres('opening a Postgres inbox', () => {
  const schemas = new Schemas();
  const opened: Store[] = [];
  const pools: pg.Pool[] = [];

  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    for (const pool of pools.splice(0)) await pool.end();
  });

  async function open(options: Partial<PostgresInboxOptions> = {}, logger: Logger = SILENT): Promise<Store> {
    const store = await schemas.open(options, logger);
    opened.push(store);
    return store;
  }

  async function refusal(options: Partial<PostgresInboxOptions>): Promise<ConfigurationError> {
    const failure = await failureOf(open(options));
    expect(failure).toBeInstanceOf(ConfigurationError);
    return failure as ConfigurationError;
  }

  it('makes the schema it is told to, and says where it is', async () => {
    const schema = `${schemas.next()}-With_Capitals`;
    const store = await open({ schema });
    expect(store.description).toMatch(
      new RegExp(`^PostgreSQL 1\\d.*, database ${new URL(POSTGRES_URL).pathname.slice(1)}, schema ${schema}$`),
    );
    await store.append(newMessage());
    expect(await schemas.query(`select source from "${schema}".messages`)).toEqual([{ source: 'source' }]);
    await schemas.query(`drop schema "${schema}" cascade`);
  });

  it('is safe for ten replicas at once, in a new schema and in one that is there', async () => {
    const schema = schemas.next();
    for (let round = 0; round < 2; round += 1) {
      const stores = await Promise.all(Array.from({ length: 10 }, () => open({ schema, connectionsMax: 2 })));
      const appended = await Promise.all(stores.map((store) => store.append(newMessage())));
      expect(appended.map(({ status }) => status)).toEqual(stores.map(() => 'accepted'));
    }
    const run = await schemas.query<{ name: string }>(`select name from "${schema}".runhooks_migrations`);
    expect(run.map(({ name }) => name).sort()).toEqual([...new Set(run.map(({ name }) => name))].sort());
    expect(run).not.toEqual([]);
  });

  it('does not take the migrations of another schema for its own', async () => {
    await open();
    const store = await open();
    expect((await store.append(newMessage())).status).toBe('accepted');
  });

  it('compares all its texts by their bytes, whatever the language of the database', async () => {
    const schema = schemas.next();
    await open({ schema });
    const columns = await schemas.query(
      `select table_name, column_name from information_schema.columns
       where table_schema = $1 and table_name = any($2) and data_type = 'text' and collation_name is distinct from 'C'`,
      [schema, [...TABLES]],
    );
    expect(columns).toEqual([]);
  });

  it('needs no more than a schema of its own', async () => {
    const { role, connectionString } = await schemas.newRole();
    const schema = schemas.next();
    await schemas.query(`create schema "${schema}" authorization "${role}"`);
    const store = await open({ connectionString, schema });
    expect((await store.append(newMessage())).status).toBe('accepted');
  });

  it('needs no right to create anything where another user has brought the schema up to date', async () => {
    const { role, connectionString } = await schemas.newRole();
    const schema = schemas.next();
    await open({ schema });
    await schemas.query(
      `grant usage on schema "${schema}" to "${role}";
       grant select, insert, update, delete on all tables in schema "${schema}" to "${role}"`,
    );
    const store = await open({ connectionString, schema });
    expect((await store.append(newMessage())).status).toBe('accepted');
  });

  it('says which right is missing and how to give it', async () => {
    const { connectionString } = await schemas.newRole();
    const schema = schemas.next();
    const { option, message } = await refusal({ connectionString, schema });
    expect(option).toBe('postgresInbox.schema');
    expect(message).toContain(`create schema "${schema}" authorization`);
    expect(message).toContain('permission denied');
  });

  it('refuses a schema of a newer version, naming what it does not know, and leaves it alone', async () => {
    const schema = schemas.next();
    await open({ schema });
    await schemas.query(`insert into "${schema}".runhooks_migrations values ('9999_future', 'now')`);
    const { option, message } = await refusal({ schema });
    expect(option).toBe('postgresInbox.schema');
    expect(message).toMatch(/newer version.*9999_future/);
  });

  it('refuses a schema that holds something else, and makes nothing in it', async () => {
    const schema = schemas.next();
    await schemas.query(`create schema "${schema}"; create table "${schema}".events (mine text)`);
    expect((await refusal({ schema })).option).toBe('postgresInbox.schema');
    const tables = await schemas.query(`select tablename from pg_tables where schemaname = $1`, [schema]);
    expect(tables).toEqual([{ tablename: 'events' }]);
  });

  it.each([
    ['a database that is not there', '/no_such_database', 'the database does not exist'],
    ['a host that is not there', undefined, 'cannot be reached'],
  ])('refuses %s, without the password', async (_, pathname, says) => {
    const url = new URL(POSTGRES_URL);
    url.password = 'secret-of-mine';
    if (pathname) url.pathname = pathname;
    else url.port = '1';
    const { option, message, stack } = await refusal({ connectionString: url.href });
    expect(option).toBe('postgresInbox.connectionString');
    expect(message).toContain(says);
    expect(stack).not.toContain('secret-of-mine');
  });

  it.each<[title: string, parameter: string, says: RegExp]>([
    ['an authority', 'sslrootcert=/no/ca.pem', /^sslrootcert: the file cannot be read \(ENOENT.*\/no\/ca.pem/],
    ['a certificate', 'sslcert=/no/client.pem', /^sslcert: the file cannot be read/],
    ['a key', 'sslkey=/no/client.key', /^sslkey: the file cannot be read/],
    ['a directory', 'sslrootcert=/', /^sslrootcert: the file cannot be read \(EISDIR/],
    ['no authority in the file', `sslrootcert=${import.meta.filename}`, /^sslrootcert: expected certificates in PEM/],
    ['no key in the file', `sslkey=${import.meta.filename}`, /^sslkey: expected a private key in PEM/],
    ['a mode of TLS', 'sslmode=verify', /^sslmode: expected one of disable, .*verify-full.*, got "verify"/],
    ['a beginning of TLS', 'sslnegotiation=mine', /^sslnegotiation: expected one of postgres, direct, got "mine"/],
    [
      'no authority',
      'uselibpqcompat=true&sslmode=verify-ca',
      /^sslmode: expected sslrootcert with verify-ca, got none/,
    ],
    ['a port', 'port=abc', /^port: expected an integer from 1 to 65535, got "abc"/],
    ['a host', 'host=no.such.host.invalid', /^the host name cannot be resolved/],
    ['a setting', 'options=-c%20no_such_setting%3D1', /^the server rejects a parameter .*no_such_setting/],
    ['the value of a setting', 'statement_timeout=soon', /^the server rejects a parameter .*statement_timeout/],
  ])('names what is wrong in the connection string, without the password: %s', async (_, parameter, says) => {
    const url = new URL(POSTGRES_URL);
    url.password = 'secret-of-mine';
    const { option, message, stack } = await refusal({
      connectionString: `${url.href}${url.search ? '&' : '?'}${parameter}`,
    });
    expect(option).toBe('postgresInbox.connectionString');
    expect(message.slice(`${option}: `.length)).toMatch(says);
    expect(stack).not.toContain('secret-of-mine');
  });

  it.each<[string, pg.PoolConfig, RegExp]>([
    [
      'a file that is not there',
      { connectionString: `${POSTGRES_URL}?sslrootcert=/no/ca.pem` },
      /a file for TLS \(sslrootcert, sslcert or sslkey\) cannot be read.*ENOENT.*\/no\/ca.pem/,
    ],
    ['a port there is not', { host: '127.0.0.1', port: 99_999 }, /its port is not an integer from 1 to 65535/],
  ])('says what is wrong with a pool of the app: %s', async (_, config, says) => {
    // It is not ended: after such a failure a pool never ends.
    const { option, message } = await refusal({ pool: new pg.Pool(config) });
    expect(option).toBe('postgresInbox.pool');
    expect(message).toMatch(says);
  });

  it('refuses a database that is not in UTF-8', async () => {
    const database = schemas.next();
    await schemas.query(
      `create database "${database}" encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0`,
    );
    const url = new URL(POSTGRES_URL);
    url.pathname = `/${database}`;
    try {
      expect((await refusal({ connectionString: url.href })).message).toMatch(/expected .*UTF8, got SQL_ASCII/);
    } finally {
      await schemas.query(`drop database "${database}" with (force)`);
    }
  });

  describe('looks at the server', () => {
    /** A pool of a server that says of itself what `facts` say. */
    function poolOfServer(facts: object): PostgresPool {
      const pool = new pg.Pool({ connectionString: POSTGRES_URL });
      pools.push(pool);
      pool.on('connect', (client) => {
        const query = client.query.bind(client) as (asked: pg.QueryConfig) => Promise<pg.QueryResult>;
        client.query = (async (asked: pg.QueryConfig) => {
          const answer = await query(asked);
          if (asked.text.includes('server_version_num')) Object.assign(answer.rows[0] as object, facts);
          return answer;
        }) as typeof client.query;
      });
      return pool;
    }

    it('and refuses one that is too old, before anything is made', async () => {
      const schema = schemas.next();
      const { option, message } = await refusal({
        pool: poolOfServer({ number: 130_022, version: '13.22 (Debian)' }),
        schema,
      });
      expect(option).toBe('postgresInbox.pool');
      expect(message).toContain('expected PostgreSQL 14 or newer, got 13.22 (Debian)');
      expect(await schemas.query('select 1 from pg_namespace where nspname = $1', [schema])).toEqual([]);
    });

    it.each([
      ['off', 1],
      ['on', 0],
    ])('and warns of what a crash can lose where fsync is %s', async (fsync, warnings) => {
      const lines: string[] = [];
      await open({ pool: poolOfServer({ fsync }) }, { ...SILENT, warn: (line) => lines.push(line) });
      expect(lines).toHaveLength(warnings);
      for (const line of lines) expect(line).toMatch(/fsync=off: a crash of it loses what was acknowledged/);
    });
  });

  describe('with a pool of the app', () => {
    it('works on it, whatever its parsers of types, and leaves it open', async () => {
      const pool = new pg.Pool({
        connectionString: POSTGRES_URL,
        types: { getTypeParser: () => () => 'not this' } as unknown as pg.CustomTypesConfig,
      });
      const store = await open({ pool });
      const message = newMessage();
      await store.append(message);
      expect(await store.message(message.id)).toMatchObject({ id: message.id, receivedAt: message.receivedAt });
      await store.close();
      expect((await pool.query('select 1')).rowCount).toBe(1);
      expect(pool.listenerCount('connect')).toBe(0);
      await pool.end();
    });

    it('that has no client left says so, and gets back the one that would have listened', async () => {
      const pool = new pg.Pool({ connectionString: POSTGRES_URL, max: 2, connectionTimeoutMillis: 200 });
      const taken = new Set<pg.PoolClient>();
      pool.on('acquire', (client) => taken.add(client));
      pool.on('release', (_, client) => taken.delete(client));
      const client = await pool.connect();
      expect((await refusal({ pool })).message).toMatch(/^postgresInbox.pool: .*no connection is free/);
      expect([taken.size, taken.has(client)]).toEqual([1, true]);
      client.release();
      await pool.end();
    });

    it('survives that a connection nobody uses is ended', async () => {
      const pool = new pg.Pool({ connectionString: POSTGRES_URL, application_name: schemas.next() });
      const store = await open({ pool });
      await store.counts();
      await schemas.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', [
        pool.options.application_name,
      ]);
      const appended = await store.append(newMessage()).catch(() => store.append(newMessage()));
      expect(appended.status).toBe('accepted');
      await store.close();
      await pool.end();
    });
  });

  it.each<[string, object, string]>([
    ['neither pool nor connectionString', {}, 'postgresInbox'],
    ['a connection string that came from nowhere', { connectionString: undefined }, 'postgresInbox.connectionString'],
    ['both', { connectionString: POSTGRES_URL, pool: new pg.Pool() }, 'postgresInbox'],
    [
      'a connection string of another kind',
      { connectionString: 'mysql://me:secret@host/db' },
      'postgresInbox.connectionString',
    ],
    ['a pool that is none', { pool: {} }, 'postgresInbox.pool'],
    ['a pool whose only client would listen', { pool: new pg.Pool({ max: 1 }) }, 'postgresInbox.pool'],
    ['a schema with a quote', { connectionString: POSTGRES_URL, schema: 'a"b' }, 'postgresInbox.schema'],
    ['a schema of the system', { connectionString: POSTGRES_URL, schema: 'pg_mine' }, 'postgresInbox.schema'],
    ['a schema too long', { connectionString: POSTGRES_URL, schema: 'x'.repeat(51) }, 'postgresInbox.schema'],
    ['a notify that is no boolean', { connectionString: POSTGRES_URL, notify: 'no' }, 'postgresInbox.notify'],
    ['too few connections', { connectionString: POSTGRES_URL, connectionsMax: 1 }, 'postgresInbox.connectionsMax'],
    ['an option there is not', { connectionString: POSTGRES_URL, shema: 'x' }, 'postgresInbox.shema'],
  ])('refuses %s', (_, options, option) => {
    let failure: unknown;
    try {
      postgresInbox(options).createStore(SILENT);
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(ConfigurationError);
    expect((failure as ConfigurationError).option).toBe(option);
    expect((failure as ConfigurationError).message).not.toContain('secret');
  });
});
