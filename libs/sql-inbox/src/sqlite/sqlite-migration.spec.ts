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
const said = (message: RegExp) => ({ message: expect.stringMatching(message) as unknown });

const TABLES = [
  'attempts',
  'audit',
  'barriers',
  'clock',
  'deliveries',
  'events',
  'handlers',
  'jobs',
  'message_keys',
  'messages',
  'processes',
  'refusals',
  'runs',
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

  it('makes the schema in an empty file, and notes what it did', async () => {
    await migrateSqlite(connection);
    expect(tables().filter((name) => !name.startsWith('runhooks_'))).toEqual(TABLES);
    expect(done()).toEqual(Object.keys(MIGRATIONS).map((name) => ({ name })));
  });

  it('changes nothing in a file that is up to date', async () => {
    await migrateSqlite(connection);
    const [before, rows] = [schema(), done()];
    await migrateSqlite(connection);
    expect([schema(), done()]).toEqual([before, rows]);
  });

  it('refuses a file that a newer version has written, naming what it does not know, and leaves it alone', async () => {
    await migrateSqlite(connection);
    connection.all("insert into runhooks_migrations (name, timestamp) values ('9999_incidents', '2027')", []);
    const before = schema();
    const refused = migrateSqlite(connection);
    await expect(refused).rejects.toThrow(NewerSchemaError);
    await expect(refused).rejects.toThrow('9999_incidents');
    expect(schema()).toEqual(before);
    expect(done()).toHaveLength(Object.keys(MIGRATIONS).length + 1);
  });

  it('does nothing by halves: in a file that has other tables of these names it makes none', async () => {
    connection.exec('create table attempts (mine text)');
    await expect(migrateSqlite(connection)).rejects.toMatchObject(said(/attempts.* already exists/));
    expect(tables()).toEqual(['attempts']);
    connection.exec('drop table attempts');
    await migrateSqlite(connection);
    expect(tables()).toEqual(expect.arrayContaining(TABLES));
  });

  it('leaves the tables of the host app beside its own alone', async () => {
    connection.exec('create table users (name text)');
    connection.all("insert into users values ('me')", []);
    await migrateSqlite(connection);
    expect(connection.all('select * from users', [])).toEqual([{ name: 'me' }]);
  });

  it('says that the disk is full where it is, leaves nothing behind, and can be tried again', async () => {
    connection.exec('pragma max_page_count = 3');
    await expect(migrateSqlite(connection)).rejects.toMatchObject(said(/full/));
    expect(tables()).toEqual([]);
    connection.exec('pragma max_page_count = 10000');
    await migrateSqlite(connection);
    expect(tables()).toEqual(expect.arrayContaining(TABLES));
  });

  it.each([
    ['at the lock', 'begin immediate', 'disk I/O error'],
    ['at the commit', 'commit', 'disk I/O error'],
  ])('says what failed %s, though the engine has rolled back by itself', async (_, sql, message) => {
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

  it('finds done what another process has migrated', async () => {
    const other = await connectSqlite(join(directory, 'inbox.db'), driver);
    await migrateSqlite(connection);
    await migrateSqlite(other);
    expect(done()).toHaveLength(Object.keys(MIGRATIONS).length);
    other.close();
  });

  it('waits for a lock with the event loop free, so that even its own process may hold it', async () => {
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

  it('may be done by several connections of one process at the same time', async () => {
    const others = await Promise.all([1, 2, 3].map(() => connectSqlite(join(directory, 'inbox.db'), driver)));
    for (const one of [connection, ...others]) one.exec('pragma busy_timeout = 1');
    await Promise.all([connection, ...others].map((one) => migrateSqlite(one)));
    expect(done()).toHaveLength(Object.keys(MIGRATIONS).length);
    for (const one of others) one.close();
  });
});
