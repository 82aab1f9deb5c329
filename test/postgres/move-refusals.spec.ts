import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { LIMITS } from 'nestjs-runhooks/core';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import { connectSqlite } from 'inside/sqlite-connection';
import { onEveryDriver, openStore } from '../model/sqlite-files.js';
import { fillInbox, openApp, REGISTRATION } from './full-inbox.js';
import { bytesOf, Move } from './move.js';
import { onPostgres, POSTGRES_URL, Schemas } from './server.js';

onPostgres('moving an inbox from SQLite to Postgres is refused', () => {
  const schemas = new Schemas();
  const move = new Move(schemas);

  async function refusal(options: Parameters<Move['run']>[0] = {}): Promise<string> {
    const { code, output } = await move.run(options);
    const last = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as { kind: string; message: string };
    expect([code, last.kind]).toEqual([1, 'failed']);
    return last.message;
  }

  async function change(sql: string): Promise<void> {
    const connection = await connectSqlite(move.file, undefined);
    connection.exec(sql);
    connection.close();
  }

  it('for a file that is not there, and none is made', async () => {
    expect(await refusal()).toMatch(/^--from: the file .*inbox\.db does not exist/);
    expect(existsSync(move.file)).toBe(false);
  });

  it.each([
    ['no database', Buffer.alloc(4_096, 'no'), 'not an SQLite database'],
    ['nothing', Buffer.alloc(0), 'a database, but not an inbox'],
  ])('for a file that has %s in it, and it is left alone', async (_, bytes, says) => {
    writeFileSync(move.file, bytes);
    expect(await refusal()).toContain(says);
    expect(readFileSync(move.file)).toEqual(bytes);
  });

  onEveryDriver('while the inbox lives', (driver) => {
    it('and a process has the file open, with how to find and stop it; not once it has ended', async () => {
      const store = await openStore(move.file, driver);
      await store.register(REGISTRATION, new Date());
      const before = bytesOf(move.file);
      const message = await refusal();
      expect(message).toMatch(/inbox\.db is in use\. Stop every app that uses it \(SIGTERM\)/);
      expect(message).toMatch(/Last heartbeats.*host 1 \(\d s ago\)\. `fuser /);
      expect(bytesOf(move.file)).toEqual(before);
      expect(await move.tablesThere()).toBe(0);
      await store.deregister(REGISTRATION.processId);
      await store.close();
      expect((await move.run()).code).toBe(0);
    });

    it('or a process was heard of lately; not once it counts as gone', async () => {
      const heardOf = async (ago: number): Promise<void> => {
        const store = await openStore(move.file, driver);
        await store.register(REGISTRATION, new Date(Date.now() - ago));
        await store.close();
      };
      await heardOf(LIMITS.processLapseMs / 2);
      expect(await refusal()).toMatch(/is in use.*host 1 \(3\d s ago\)\. A killed process counts as running for 60 s/);
      await heardOf(LIMITS.processLapseMs + 1);
      expect((await move.run()).code).toBe(0);
    });
  });

  it.each([
    [
      'a newer',
      `insert into runhooks_migrations values ('9999_future', 'now')`,
      /newer version.*9999_future.*Use that/,
    ],
    ['an older', `delete from runhooks_migrations`, /older version.*0001_inbox.*Start the app on it once/],
  ])('for a file of %s version', async (_, sql, says) => {
    await (await openStore(move.file)).close();
    await change(sql);
    expect(await refusal()).toMatch(says);
    expect(await move.tablesThere()).toBe(0);
  });

  it.each([
    ['a newer', `insert into "$".runhooks_migrations values ('9999_future', 'now')`, /--schema:.*newer version/],
    ['an older', `delete from "$".runhooks_migrations`, /--schema:.*older version/],
  ])('for a schema of %s version, and nothing in it is changed', async (_, sql, says) => {
    await (await openStore(move.file)).close();
    await (await schemas.open({ schema: move.schema })).close();
    await schemas.query(sql.replace('$', move.schema));
    const before = await move.tablesThere();
    expect(await refusal()).toMatch(says);
    expect(await move.tablesThere()).toBe(before);
  });

  it('for a schema that an app has used, and nothing in it is changed', async () => {
    await fillInbox(move.file);
    const { harness } = await openApp(postgresInbox({ connectionString: POSTGRES_URL, schema: move.schema }));
    await harness.send({});
    await harness.close();
    const before = await move.tablesThere();
    expect(await refusal()).toMatch(/is in use, with rows in message_keys, messages\. Choose another schema/);
    expect(await move.tablesThere()).toBe(before);
  });

  it('for a schema that another file was moved into, or this one before somebody wrote to it', async () => {
    await (await openStore(move.file)).close();
    expect((await move.run()).code).toBe(0);
    const other = join(move.directory, 'other.db');
    await (await openStore(other)).close();
    expect(await refusal({ from: other })).toMatch(/another file was moved into .*drop schema/);
    await change(`insert into jobs values ('source', 'job', 1, null, 1)`);
    expect(await refusal()).toMatch(/or this file before it was changed/);
  });

  it('for a user who may not make the schema', async () => {
    await (await openStore(move.file)).close();
    const { connectionString } = await schemas.newRole();
    expect(await refusal({ to: connectionString })).toMatch(/^--schema: the user may not create or use the schema/);
  });

  it.each([
    [
      'a server that is not there',
      'postgres://me:secret%21of-mine@127.0.0.1:1/test',
      '--to: the server cannot be reached',
    ],
    ['a URL of another kind', 'mysql://me:secret@host/db', '--to: expected postgres://'],
    ['a URL that is none', 'secret', '--to: expected postgres://'],
  ])('for %s, without the password', async (_, to, says) => {
    await (await openStore(move.file)).close();
    for (const json of [true, false]) {
      const { code, output, errors } = await move.run({ to, json });
      expect([code, output + errors]).toEqual([1, expect.stringContaining(says)]);
      expect(output + errors).not.toMatch(/secret|of-mine/);
    }
  });
});
