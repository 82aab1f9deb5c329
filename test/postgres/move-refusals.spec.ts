import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { LIMITS } from 'nestjs-runhooks/internal';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import { connectSqlite } from 'inside/sqlite-connection';
import { onEveryDriver, openStore } from '../model/sqlite-files.js';
import { fillInbox, openApp, REGISTRATION } from './full-inbox.js';
import { bytesOf, Move } from './move.js';
import { onPostgres, POSTGRES_URL, Schemas } from './server.js';

onPostgres('npx nestjs-runhooks move', () => {
  const schemas = new Schemas();
  const move = new Move(schemas);

  async function failureMessage(options: Parameters<Move['run']>[0] = {}): Promise<string> {
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

  it('rejects a missing file without creating it', async () => {
    expect(await failureMessage()).toMatch(/^--from: the file .*inbox\.db does not exist/);
    expect(existsSync(move.file)).toBe(false);
  });

  it.each([
    ['no database', Buffer.alloc(4_096, 'no'), 'not an SQLite database'],
    ['nothing', Buffer.alloc(0), 'a database, but not an inbox'],
  ])('rejects a file with %s in it, and leaves it unchanged', async (_, bytes, expected) => {
    writeFileSync(move.file, bytes);
    expect(await failureMessage()).toContain(expected);
    expect(readFileSync(move.file)).toEqual(bytes);
  });

  onEveryDriver('npx nestjs-runhooks move from an inbox in use', (driver) => {
    it('rejects a file that a process has open, and explains how to find and stop it', async () => {
      const store = await openStore(move.file, driver);
      await store.register(REGISTRATION, new Date());
      const before = bytesOf(move.file);
      const message = await failureMessage();
      expect(message).toMatch(/inbox\.db is in use\. Stop every app that uses it \(SIGTERM\)/);
      expect(message).toMatch(/Last heartbeats.*host 1 \(\d s ago\)\. `fuser /);
      expect(bytesOf(move.file)).toEqual(before);
      expect(await move.tablesThere()).toBe(0);
      await store.deregister(REGISTRATION.processId);
      await store.close();
      expect((await move.run()).code).toBe(0);
    });

    it('rejects a file whose process sent a heartbeat recently, until it counts as gone', async () => {
      const sendHeartbeat = async (ago: number): Promise<void> => {
        const store = await openStore(move.file, driver);
        await store.register(REGISTRATION, new Date(Date.now() - ago));
        await store.close();
      };
      await sendHeartbeat(LIMITS.processLapseMs / 2);
      expect(await failureMessage()).toMatch(
        /is in use.*host 1 \(3\d s ago\)\. A killed process counts as running for 60 s/,
      );
      await sendHeartbeat(LIMITS.processLapseMs + 1);
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
  ])('rejects a file of %s version', async (_, sql, expected) => {
    await (await openStore(move.file)).close();
    await change(sql);
    expect(await failureMessage()).toMatch(expected);
    expect(await move.tablesThere()).toBe(0);
  });

  it.each([
    ['a newer', `insert into "$".runhooks_migrations values ('9999_future', 'now')`, /--schema:.*newer version/],
    ['an older', `delete from "$".runhooks_migrations`, /--schema:.*older version/],
  ])('rejects a schema of %s version, and leaves it unchanged', async (_, sql, expected) => {
    await (await openStore(move.file)).close();
    await (await schemas.open({ schema: move.schema })).close();
    await schemas.query(sql.replace('$', move.schema));
    const before = await move.tablesThere();
    expect(await failureMessage()).toMatch(expected);
    expect(await move.tablesThere()).toBe(before);
  });

  it('rejects a schema an app has used, and leaves it unchanged', async () => {
    await fillInbox(move.file);
    const { harness } = await openApp(postgresInbox({ connectionString: POSTGRES_URL, schema: move.schema }));
    await harness.send({});
    await harness.close();
    const before = await move.tablesThere();
    expect(await failureMessage()).toMatch(/is in use, with rows in message_keys, messages\. Choose another schema/);
    expect(await move.tablesThere()).toBe(before);
  });

  it("rejects a schema into which another file was moved, or which was changed after this file's move", async () => {
    await (await openStore(move.file)).close();
    expect((await move.run()).code).toBe(0);
    const other = join(move.directory, 'other.db');
    await (await openStore(other)).close();
    expect(await failureMessage({ from: other })).toMatch(/another file was moved into .*drop schema/);
    await change(`insert into jobs (source, job_key, updated_at) values ('source', 'job', 1)`);
    expect(await failureMessage()).toMatch(/or this file before it was changed/);
  });

  it('rejects a user without permission to create the schema', async () => {
    await (await openStore(move.file)).close();
    const { connectionString } = await schemas.newRole();
    expect(await failureMessage({ to: connectionString })).toMatch(
      /^--schema: the user may not create or use the schema/,
    );
  });

  it.each([
    ['an unreachable server', 'postgres://me:secret%21of-mine@127.0.0.1:1/test', '--to: the server cannot be reached'],
    ['a URL of another kind', 'mysql://me:secret@host/db', '--to: expected postgres://'],
    ['an invalid URL', 'secret', '--to: expected postgres://'],
  ])('rejects %s without showing the password', async (_, to, expected) => {
    await (await openStore(move.file)).close();
    for (const json of [true, false]) {
      const { code, output, errors } = await move.run({ to, json });
      expect([code, output + errors]).toEqual([1, expect.stringContaining(expected)]);
      expect(output + errors).not.toMatch(/secret|of-mine/);
    }
  });
});
