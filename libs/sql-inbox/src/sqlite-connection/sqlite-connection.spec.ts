import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { connectSqlite, type SqliteConnection, type SqliteDriver } from './sqlite-connection.js';

const DRIVERS: readonly SqliteDriver[] = ['node:sqlite', 'better-sqlite3'];
const works = await Promise.all(
  DRIVERS.map((driver) =>
    connectSqlite(':memory:', driver).then(
      (connection) => (connection.close(), true),
      () => false,
    ),
  ),
);
const hasNodeSqlite = process.getBuiltinModule('node:sqlite') !== undefined;

describe('connectSqlite', () => {
  it('uses the driver of Node if it exists, otherwise better-sqlite3', async () => {
    const connection = await connectSqlite(':memory:', undefined);
    expect(connection.driver).toBe(hasNodeSqlite ? 'node:sqlite' : 'better-sqlite3');
    connection.close();
  });

  it('throws with the remedy if the given driver is unavailable', async () => {
    const [index] = works.flatMap((does, position) => (does ? [] : [position]));
    if (index === undefined) return;
    const refused = connectSqlite(':memory:', DRIVERS[index]);
    await expect(refused).rejects.toThrow(ConfigurationError);
    await expect(refused).rejects.toThrow(
      DRIVERS[index] === 'node:sqlite'
        ? /use Node 22\.13 or newer .*, or the driver 'better-sqlite3'/
        : /`(npm install better-sqlite3@1[23]|npm rebuild better-sqlite3|pnpm approve-builds)`/,
    );
  });
});

describe.each(DRIVERS.filter((_, index) => works[index]))('a connection by %s', (driver) => {
  let directory: string;
  let connection: SqliteConnection;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'runhooks-connection-'));
    connection = await connectSqlite(join(directory, 'inbox.db'), driver);
    connection.exec('create table things (id integer primary key, value)');
  });

  afterEach(() => {
    connection.close();
    rmSync(directory, { recursive: true });
  });

  const insert = (value: unknown) =>
    connection
      .all('insert into things (value) values (?) returning value', [value])
      .map((row) => (row as { value: unknown }).value);

  it('creates the file at its path, whatever its name could mean', async () => {
    for (const name of ['file:odd.db', 'odd.db?mode=ro', "o'dd.db"]) {
      (await connectSqlite(join(directory, name), driver)).close();
      expect(existsSync(join(directory, name))).toBe(true);
    }
  });

  it.each([
    ['text', 'a'],
    ['empty text', ''],
    ['text with NUL', 'a\0b\0'],
    ['text beyond the basic plane', '😀\u2028é'],
    ['a number', 42],
    ['milliseconds of the year 9999', 253_402_300_799_999],
    ['a broken number', 0.5],
    ['null', null],
  ])('returns %s unchanged', (_, value) => {
    expect(insert(value)).toEqual([value]);
    expect(connection.all('select value from things', [])).toEqual([{ value }]);
  });

  it('returns bytes unchanged', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const [stored] = insert(bytes) as [Uint8Array];
    expect([...stored]).toEqual([...bytes]);
    expect([...(insert(new Uint8Array())[0] as Uint8Array)]).toEqual([]);
    // Part of a larger buffer, as Node hands them out.
    const part = Buffer.from('xxbodyxx').subarray(2, 6);
    expect(Buffer.from(insert(part)[0] as Uint8Array).toString()).toBe('body');
  });

  it('returns no rows for a statement without rows', () => {
    expect(connection.all('insert into things (value) values (?)', [1])).toEqual([]);
    expect(connection.all('delete from things where value = ?', [2])).toEqual([]);
    expect(connection.all('select * from things where value = ?', [2])).toEqual([]);
  });

  it('returns the number of rows that a statement changed, each time it runs', () => {
    const insertOnce = 'insert into things (id) values (?) on conflict do nothing';
    expect([1, 2, 2, 3].map((id) => connection.change(insertOnce, [id]))).toEqual([1, 1, 0, 1]);
    expect(connection.change('update things set value = ? where id > ?', ['a', 1])).toBe(2);
    expect(connection.change('delete from things where value = ?', ['b'])).toBe(0);
    expect(connection.change('delete from things', [])).toBe(3);
  });

  it('runs one statement with different values', () => {
    for (const value of [1, 2, 3]) connection.all('insert into things (value) values (?)', [value]);
    expect(connection.all('select value from things order by value', [])).toEqual([
      { value: 1 },
      { value: 2 },
      { value: 3 },
    ]);
  });

  it('returns a column that was added after the statement first ran', () => {
    insert(1);
    connection.all('select * from things', []);
    connection.exec('alter table things add column more');
    expect(connection.all('select * from things', [])).toEqual([{ id: 1, value: 1, more: null }]);
  });

  it('never treats a value as SQL', () => {
    expect(insert("'); drop table things; --")).toHaveLength(1);
    expect(connection.all('select count(*) as count from things', [])).toEqual([{ count: 1 }]);
  });

  it.each([
    ['a statement that is wrong', 'selekt', []],
    ['a table that is not there', 'select * from nothing', []],
    ['too few values', 'insert into things (value) values (?)', undefined],
    ['a value of no kind that it knows', 'insert into things (value) values (?)', [Symbol('value')]],
  ])('throws at %s, and can be used again', (_, sql, parameters) => {
    if (parameters !== undefined || driver === 'better-sqlite3') {
      expect(() => connection.all(sql, parameters ?? [])).toThrow(/./);
    }
    expect(insert(1)).toEqual([1]);
  });

  it('throws once it is closed', async () => {
    const other = await connectSqlite(join(directory, 'inbox.db'), driver);
    other.close();
    expect(() => other.all('select 1', [])).toThrow(/not open/);
    expect(() => other.exec('select 1')).toThrow(/not open/);
  });
});
