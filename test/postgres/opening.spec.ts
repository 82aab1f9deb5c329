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

  async function configurationErrorOf(options: Partial<PostgresInboxOptions>): Promise<ConfigurationError> {
    const failure = await failureOf(open(options));
    expect(failure).toBeInstanceOf(ConfigurationError);
    return failure as ConfigurationError;
  }

  it('creates the configured schema and describes its location', async () => {
    const schema = `${schemas.next()}-With_Capitals`;
    const store = await open({ schema });
    expect(store.description).toMatch(
      new RegExp(`^PostgreSQL 1\\d.*, database ${new URL(POSTGRES_URL).pathname.slice(1)}, schema ${schema}$`),
    );
    await store.append(newMessage());
    expect(await schemas.query(`select source from "${schema}".messages`)).toEqual([{ source: 'source' }]);
    await schemas.query(`drop schema "${schema}" cascade`);
  });

  it('succeeds for ten replicas at once, in a new schema and in an existing one', async () => {
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

  it('ignores the migrations of another schema', async () => {
    await open();
    const store = await open();
    expect((await store.append(newMessage())).status).toBe('accepted');
  });

  it('compares all strings by their bytes, whatever the language of the database', async () => {
    const schema = schemas.next();
    await open({ schema });
    const columns = await schemas.query(
      `select table_name, column_name from information_schema.columns
       where table_schema = $1 and table_name = any($2) and data_type = 'text' and collation_name is distinct from 'C'`,
      [schema, [...TABLES]],
    );
    expect(columns).toEqual([]);
  });

  it('needs no permission beyond its own schema', async () => {
    const { role, connectionString } = await schemas.newRole();
    const schema = schemas.next();
    await schemas.query(`create schema "${schema}" authorization "${role}"`);
    const store = await open({ connectionString, schema });
    expect((await store.append(newMessage())).status).toBe('accepted');
  });

  it('needs no permission to create anything when another user has migrated the schema', async () => {
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

  it('names the missing permission and how to grant it', async () => {
    const { connectionString } = await schemas.newRole();
    const schema = schemas.next();
    const { option, message } = await configurationErrorOf({ connectionString, schema });
    expect(option).toBe('postgresInbox.schema');
    expect(message).toContain(`create schema "${schema}" authorization`);
    expect(message).toContain('permission denied');
  });

  it('rejects a schema of a newer version, names what is unknown, and leaves it unchanged', async () => {
    const schema = schemas.next();
    await open({ schema });
    await schemas.query(`insert into "${schema}".runhooks_migrations values ('9999_future', 'now')`);
    const { option, message } = await configurationErrorOf({ schema });
    expect(option).toBe('postgresInbox.schema');
    expect(message).toMatch(/newer version.*9999_future/);
  });

  it('rejects a schema with other content, and creates nothing in it', async () => {
    const schema = schemas.next();
    await schemas.query(`create schema "${schema}"; create table "${schema}".events (mine text)`);
    expect((await configurationErrorOf({ schema })).option).toBe('postgresInbox.schema');
    const tables = await schemas.query(`select tablename from pg_tables where schemaname = $1`, [schema]);
    expect(tables).toEqual([{ tablename: 'events' }]);
  });

  it.each([
    ['a missing database', '/no_such_database', 'the database does not exist'],
    ['an unreachable host', undefined, 'cannot be reached'],
  ])('rejects %s without showing the password', async (_, pathname, expected) => {
    const url = new URL(POSTGRES_URL);
    url.password = 'secret-of-mine';
    if (pathname) url.pathname = pathname;
    else url.port = '1';
    const { option, message, stack } = await configurationErrorOf({ connectionString: url.href });
    expect(option).toBe('postgresInbox.connectionString');
    expect(message).toContain(expected);
    expect(stack).not.toContain('secret-of-mine');
  });

  it.each<[title: string, parameter: string, expected: RegExp]>([
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
  ])('names the invalid part of the connection string, without the password: %s', async (_, parameter, expected) => {
    const url = new URL(POSTGRES_URL);
    url.password = 'secret-of-mine';
    const { option, message, stack } = await configurationErrorOf({
      connectionString: `${url.href}${url.search ? '&' : '?'}${parameter}`,
    });
    expect(option).toBe('postgresInbox.connectionString');
    expect(message.slice(`${option}: `.length)).toMatch(expected);
    expect(stack).not.toContain('secret-of-mine');
  });

  it.each<[string, pg.PoolConfig, RegExp]>([
    [
      'a missing file',
      { connectionString: `${POSTGRES_URL}?sslrootcert=/no/ca.pem` },
      /a file for TLS \(sslrootcert, sslcert or sslkey\) cannot be read.*ENOENT.*\/no\/ca.pem/,
    ],
    ['an invalid port', { host: '127.0.0.1', port: 99_999 }, /its port is not an integer from 1 to 65535/],
  ])("explains what is wrong with an app's pool: %s", async (_, config, expected) => {
    // The pool is not ended, because after such a failure ending it never resolves.
    const { option, message } = await configurationErrorOf({ pool: new pg.Pool(config) });
    expect(option).toBe('postgresInbox.pool');
    expect(message).toMatch(expected);
  });

  it('rejects a database that is not in UTF-8', async () => {
    const database = schemas.next();
    await schemas.query(
      `create database "${database}" encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0`,
    );
    const url = new URL(POSTGRES_URL);
    url.pathname = `/${database}`;
    try {
      expect((await configurationErrorOf({ connectionString: url.href })).message).toMatch(
        /expected .*UTF8, got SQL_ASCII/,
      );
    } finally {
      await schemas.query(`drop database "${database}" with (force)`);
    }
  });

  describe('opening a Postgres inbox on an unsuitable server', () => {
    /** Returns a pool of a server that reports the given facts about itself. */
    function poolOfServer(facts: object): PostgresPool {
      const pool = new pg.Pool({ connectionString: POSTGRES_URL });
      pools.push(pool);
      pool.on('connect', (client) => {
        const query = client.query.bind(client) as (request: pg.QueryConfig) => Promise<pg.QueryResult>;
        client.query = (async (request: pg.QueryConfig) => {
          const result = await query(request);
          if (request.text.includes('server_version_num')) Object.assign(result.rows[0] as object, facts);
          return result;
        }) as typeof client.query;
      });
      return pool;
    }

    it('rejects a server that is too old before creating anything', async () => {
      const schema = schemas.next();
      const { option, message } = await configurationErrorOf({
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
    ])('warns of what a crash can lose when fsync is %s', async (fsync, warnings) => {
      const lines: string[] = [];
      await open({ pool: poolOfServer({ fsync }) }, { ...SILENT, warn: (line) => lines.push(line) });
      expect(lines).toHaveLength(warnings);
      for (const line of lines) expect(line).toMatch(/fsync=off: a crash of it loses acknowledged webhooks/);
    });
  });

  describe("opening a Postgres inbox with the app's pool", () => {
    it('works with any type parsers, and leaves the pool open', async () => {
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

    it('reports that no client is left, and returns the one reserved for listening', async () => {
      const pool = new pg.Pool({ connectionString: POSTGRES_URL, max: 2, connectionTimeoutMillis: 200 });
      const taken = new Set<pg.PoolClient>();
      pool.on('acquire', (client) => taken.add(client));
      pool.on('release', (_, client) => taken.delete(client));
      const client = await pool.connect();
      expect((await configurationErrorOf({ pool })).message).toMatch(/^postgresInbox.pool: .*no connection is free/);
      expect([taken.size, taken.has(client)]).toEqual([1, true]);
      client.release();
      await pool.end();
    });

    it('survives the loss of an idle connection', async () => {
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
    ['an undefined connection string', { connectionString: undefined }, 'postgresInbox.connectionString'],
    ['both', { connectionString: POSTGRES_URL, pool: new pg.Pool() }, 'postgresInbox'],
    [
      'a connection string of another kind',
      { connectionString: 'mysql://me:secret@host/db' },
      'postgresInbox.connectionString',
    ],
    ['a value that is not a pool', { pool: {} }, 'postgresInbox.pool'],
    ['a pool whose only client would listen', { pool: new pg.Pool({ max: 1 }) }, 'postgresInbox.pool'],
    ['a schema with a quote', { connectionString: POSTGRES_URL, schema: 'a"b' }, 'postgresInbox.schema'],
    ['a schema of the system', { connectionString: POSTGRES_URL, schema: 'pg_mine' }, 'postgresInbox.schema'],
    ['a schema too long', { connectionString: POSTGRES_URL, schema: 'x'.repeat(51) }, 'postgresInbox.schema'],
    ['a notify that is not a boolean', { connectionString: POSTGRES_URL, notify: 'no' }, 'postgresInbox.notify'],
    ['too few connections', { connectionString: POSTGRES_URL, connectionsMax: 1 }, 'postgresInbox.connectionsMax'],
    ['an unknown option', { connectionString: POSTGRES_URL, shema: 'x' }, 'postgresInbox.shema'],
  ])('rejects %s', (_, options, option) => {
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
