import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { NewerSchemaError } from '../schema/newer-schema.js';
import { connectSqlite, type SqliteConnection, type SqliteDriver } from '../sqlite-connection/sqlite-connection.js';
import { MIGRATIONS, migrateSqlite } from './sqlite-migration.js';

const DRIVERS: readonly SqliteDriver[] = ['node:sqlite', 'better-sqlite3'];
const works = await Promise.all(
  DRIVERS.map((driver) =>
    connectSqlite(':memory:', driver).then(
      (connection) => (connection.close(), true),
      () => false,
    ),
  ),
);

/** Not `toThrow`: in a test runner better-sqlite3 throws errors of the realm that loaded it first. */
const withMessage = (message: RegExp) => ({ message: expect.stringMatching(message) as unknown });

const TABLES = [
  'actions',
  'attempts',
  'audit',
  'barriers',
  'clock',
  'cooldowns',
  'deliveries',
  'events',
  'handlers',
  'jobs',
  'message_keys',
  'messages',
  'nodes',
  'processes',
  'purged_keys',
  'refusals',
  'result_nodes',
  'results',
  'rounds',
  'runs',
  'series',
  'sources',
  'tasks',
];

describe.each(DRIVERS.filter((_, index) => works[index]))('migrateSqlite on %s', (driver) => {
  let directory: string;
  let connection: SqliteConnection;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'runhooks-migration-'));
    connection = await connectSqlite(join(directory, 'inbox.db'), driver);
    connection.exec('pragma journal_mode = wal');
    connection.exec('pragma synchronous = off');
  });

  afterEach(() => {
    connection.close();
    rmSync(directory, { recursive: true });
  });

  const schema = () => connection.all('select type, name, sql from sqlite_master order by type, name', []);
  const tables = () =>
    connection
      .all("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name", [])
      .map((row) => (row as { name: string }).name);
  const done = () => connection.all('select name from runhooks_migrations order by name', []);

  it('creates the schema in an empty file, and records the migrations', async () => {
    await migrateSqlite(connection);
    expect(tables().filter((name) => !name.startsWith('runhooks_'))).toEqual(TABLES);
    expect(done()).toEqual(Object.keys(MIGRATIONS).map((name) => ({ name })));
  });

  it('changes nothing if the schema is up to date', async () => {
    await migrateSqlite(connection);
    const [before, rows] = [schema(), done()];
    await migrateSqlite(connection);
    expect([schema(), done()]).toEqual([before, rows]);
  });

  it('throws with the unknown migrations for a file of a newer version, and does not change it', async () => {
    await migrateSqlite(connection);
    connection.all("insert into runhooks_migrations (name, timestamp) values ('9999_incidents', '2027')", []);
    const before = schema();
    const refused = migrateSqlite(connection);
    await expect(refused).rejects.toThrow(NewerSchemaError);
    await expect(refused).rejects.toThrow('9999_incidents');
    expect(schema()).toEqual(before);
    expect(done()).toHaveLength(Object.keys(MIGRATIONS).length + 1);
  });

  it('creates no table if the file has another table with one of the names', async () => {
    connection.exec('create table attempts (mine text)');
    await expect(migrateSqlite(connection)).rejects.toMatchObject(withMessage(/attempts.* already exists/));
    expect(tables()).toEqual(['attempts']);
    connection.exec('drop table attempts');
    await migrateSqlite(connection);
    expect(tables()).toEqual(expect.arrayContaining(TABLES));
  });

  it('does not change tables of the host app', async () => {
    connection.exec('create table users (name text)');
    connection.all("insert into users values ('me')", []);
    await migrateSqlite(connection);
    expect(connection.all('select * from users', [])).toEqual([{ name: 'me' }]);
  });

  it('throws if the disk is full, leaves nothing behind, and can be retried', async () => {
    connection.exec('pragma max_page_count = 3');
    await expect(migrateSqlite(connection)).rejects.toMatchObject(withMessage(/full/));
    expect(tables()).toEqual([]);
    connection.exec('pragma max_page_count = 10000');
    await migrateSqlite(connection);
    expect(tables()).toEqual(expect.arrayContaining(TABLES));
  });

  it.each([
    ['at the lock', 'begin immediate', 'disk I/O error'],
    ['at the commit', 'commit', 'disk I/O error'],
  ])('throws the first error %s, even if the engine has rolled back by itself', async (_, sql, message) => {
    const failing: SqliteConnection = {
      ...connection,
      exec: (text) => {
        if (text === 'rollback') throw new Error('cannot rollback - no transaction is active');
        if (text === sql) throw new Error(message);
        connection.exec(text);
      },
    };
    await expect(migrateSqlite(failing)).rejects.toThrow(message);
  });

  it('skips migrations that another process has done', async () => {
    const other = await connectSqlite(join(directory, 'inbox.db'), driver);
    await migrateSqlite(connection);
    await migrateSqlite(other);
    expect(done()).toHaveLength(Object.keys(MIGRATIONS).length);
    other.close();
  });

  it('waits for a lock without blocking the event loop, so that its own process may hold it', async () => {
    const other = await connectSqlite(join(directory, 'inbox.db'), driver);
    other.exec('begin immediate');
    connection.exec('pragma busy_timeout = 1');
    const migrated = migrateSqlite(connection);
    await new Promise((resolve) => setImmediate(resolve));
    expect(tables()).toEqual([]);
    other.exec('rollback');
    await migrated;
    expect(tables()).toEqual(expect.arrayContaining(TABLES));
    other.close();
  });

  it('runs on several connections of one process at the same time', async () => {
    const others = await Promise.all([1, 2, 3].map(() => connectSqlite(join(directory, 'inbox.db'), driver)));
    for (const one of [connection, ...others]) one.exec('pragma busy_timeout = 1');
    await Promise.all([connection, ...others].map((one) => migrateSqlite(one)));
    expect(done()).toHaveLength(Object.keys(MIGRATIONS).length);
    for (const one of others) one.close();
  });
});
