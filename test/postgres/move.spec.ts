import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import { ManualClock } from 'nestjs-runhooks/testing';
import { moveInbox } from 'inside/move-inbox';
import { connectSqlite } from 'inside/sqlite-connection';
import { SQL_LIMITS } from 'inside/sql-limits';
import { START } from '../dispatch/dispatch-harness.js';
import { SIGNATURE } from '../dispatch/probe-provider.js';
import { failureOf } from '../faults/failure-of.js';
import { copyAsKilled, onEveryDriver, openStore } from '../model/sqlite-files.js';
import { fillInbox, HOUR, openApp, REGISTRATION, SENT_TWICE } from './full-inbox.js';
import { bytesOf, Move, MOVED } from './move.js';
import { onPostgres, POSTGRES_URL, Schemas, SILENT } from './server.js';

onPostgres('moving an inbox from SQLite to Postgres', () => {
  const schemas = new Schemas();
  const move = new Move(schemas);

  const openMoved = (startedAt = START) =>
    openApp(postgresInbox({ connectionString: POSTGRES_URL, schema: move.schema }), new ManualClock(startedAt));

  onEveryDriver('moving a full inbox', (driver) => {
    it('keeps every row and byte in the same order', async () => {
      await fillInbox(move.file, driver, { bodyBytes: SQL_LIMITS.moveBytesMax / 2 + 1 });
      const before = bytesOf(move.file);
      const { code, output } = await move.run();
      expect([code, output]).toEqual([0, expect.stringContaining('"kind":"moved"')]);
      const [source, target] = [await move.rowsOfFile(driver), await move.rowsOfSchema()];
      for (const table of MOVED) {
        expect(source[table]?.length).toBeGreaterThan(0);
        expect(target[table]).toEqual(source[table]);
      }
      expect(bytesOf(move.file)).toEqual(before);
    });

    it('lets an app continue: retries, redrives, duplicates, stuck-run checks and fan-in', async () => {
      await fillInbox(move.file, driver);
      await move.run();
      const { harness, behavior } = await openMoved(new Date(START.getTime() + 1));
      const { ran } = behavior;
      try {
        behavior.isFixed = true;
        const body = Buffer.from(JSON.stringify(SENT_TWICE));
        const again = await harness.receiver.receive(harness.source, body, SIGNATURE);
        expect(again.status).toBe('duplicate');

        await harness.idle();
        expect(ran.length).toBeGreaterThan(0);
        expect(ran.filter((line) => !line.includes('unread'))).toEqual([]);

        expect(await harness.inbox.redrive({ handlerId: 'given-up', by: 'me' })).toBeGreaterThan(0);
        harness.clock.advance(HOUR);
        await harness.send({ run: 'last', job: 'transform' });
        await harness.idle();
        expect(ran).toContain('retried run.succeeded:probe/1/first');
        expect(ran).toContain('given-up run.succeeded:probe/1/first');
        expect(ran).toContain('watchdog run.stuck:probe/1/0/watchdog');
        expect(ran).toContainEqual(expect.stringMatching(/^barrier runs\.joined:/));
        expect((await harness.inbox.counts()).deliveries).toMatchObject({ pending: 0, dead: 0 });
        expect(new Set(ran).size).toBe(ran.length);
      } finally {
        await harness.close();
      }
    });

    it('includes what a killed process left in the log, without writing to it', async () => {
      const live = join(move.directory, 'live.db');
      await fillInbox(live, driver);
      const store = await openStore(live, driver);
      await store.register({ ...REGISTRATION, startedAt: new Date(0) }, new Date(0));
      copyAsKilled(live, move.file);
      await store.close();
      expect(existsSync(`${move.file}-wal`)).toBe(true);
      const before = bytesOf(move.file);
      expect((await move.run()).code).toBe(0);
      expect(bytesOf(move.file)).toEqual(before);
      const target = await move.rowsOfSchema();
      expect(target).toEqual(await move.rowsOfFile(driver));
      expect(target.handlers).toContainEqual(expect.stringContaining(REGISTRATION.handlers[0].version));
    });
  });

  it('continues the numbers of deliveries after the greatest one', async () => {
    await fillInbox(move.file);
    await move.run();
    const [last] = await schemas.query<{ greatest: string }>(
      `select max(seq) as greatest from "${move.schema}".deliveries`,
    );
    const { harness } = await openMoved();
    await harness.idle();
    await harness.close();
    const [first] = await schemas.query<{ next: string }>(
      `select min(seq) as next from "${move.schema}".deliveries where seq > $1`,
      [last?.greatest],
    );
    expect(Number(first?.next)).toBe(Number(last?.greatest) + 1);
  });

  it('keeps apps off the file during the move, and off the schema until it is complete', async () => {
    await fillInbox(move.file);
    let tried: Promise<unknown[]> | undefined;
    const tries = () => Promise.all([failureOf(readFile()), failureOf(schemas.open({ schema: move.schema }))]);
    const readFile = async (): Promise<void> => {
      const connection = await connectSqlite(move.file, undefined);
      try {
        connection.exec('pragma busy_timeout = 0; select * from jobs');
      } finally {
        connection.close();
      }
    };
    await moveInbox({ from: move.file, to: POSTGRES_URL, schema: move.schema }, () => (tried ??= tries()), SILENT);
    const [onFile, onSchema] = (await tried) as Error[];
    expect(onFile?.message).toBe('database is locked');
    expect(onSchema?.message).toMatch(/postgresInbox\.schema: an inbox is being moved into .* run it again/);
    await readFile();
    await (await schemas.open({ schema: move.schema })).close();
  });

  it('does nothing more once it is complete, even after apps have used the new inbox', async () => {
    await fillInbox(move.file);
    await move.run();
    const { harness } = await openMoved();
    await harness.idle();
    await harness.close();
    const before = await move.rowsOfSchema();
    const { code, output } = await move.run({ json: false });
    expect([code, output]).toEqual([0, expect.stringMatching(/was moved to .* on 20.*\. Nothing is left to do/)]);
    expect(await move.rowsOfSchema()).toEqual(before);
  });

  it('fails when a table has a different number of rows than before, and keeps apps off it', async () => {
    await fillInbox(move.file);
    await (await schemas.open({ schema: move.schema })).close();
    // Simulates another session that writes to the schema during the move.
    await schemas.query(
      `create rule thief as on insert to "${move.schema}".attempts where new.attempt = 1 do instead nothing`,
    );
    const { code, errors } = await move.run({ json: false });
    expect([code, errors]).toEqual([1, expect.stringMatching(/attempts: expected \d+, got 0\. Another program/)]);
    await expect(schemas.open({ schema: move.schema })).rejects.toThrow('is not complete');
  });

  it('reports the location of rows the server rejects, but none of their content', async () => {
    await fillInbox(move.file);
    const connection = await connectSqlite(move.file, undefined);
    connection.exec(`update jobs set latest_success_at = 'a secret text'`);
    connection.close();
    const { code, output, errors } = await move.run({ json: false });
    expect([code, errors]).toEqual([1, expect.stringMatching(/jobs, rows after 0 up to 2: .*\(22P02\)/)]);
    expect(output + errors).not.toContain('a secret text');
  });

  describe('progress of a move', () => {
    it('is printed in lines', async () => {
      await fillInbox(move.file);
      const { output } = await move.run({ json: false });
      expect(output.split('\n')[0]).toMatch(/^ +\d+% message_keys \d+ of \d+$/);
      expect(output).toMatch(
        /100% actions 1 of 1\nMoved .*inbox\.db to PostgreSQL \d+.*, database \w+, schema test_\w+\./,
      );
      expect(output).toMatch(/Rows in both databases:\n {2}message_keys +\d+\n/);
    });

    it('is shown as a bar on a terminal', async () => {
      await fillInbox(move.file);
      const { output } = await move.run({ json: false, isTTY: true });
      expect(output).toContain(`\r\u001b[K${'█'.repeat(30)} 100% actions 1 of 1\r\u001b[KMoved `);
    });
  });
});
