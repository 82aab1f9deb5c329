import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { connectSqlite } from 'inside/sqlite-connection';
import { copyAsKilled, onEveryDriver, openStore, quickDirectory } from '../model/sqlite-files.js';
import { failureOf } from './failure-of.js';
import { Sender } from './sender.js';

const HEADER_BYTES = 32;
const FRAME_BYTES = 24 + 4_096;

onEveryDriver('the startup check of an SQLite inbox', (driver) => {
  const directory = quickDirectory();
  /** An inbox as a kill left it, with some commits in the file and more in the log. */
  const killed = join(directory, 'killed.db');
  const sender = new Sender();
  const other = new Sender('other');
  let files = 0;

  /** Returns a copy of the killed inbox with a changed log. */
  function withLog(change: (wal: Buffer) => Buffer): string {
    const file = join(directory, `${(files += 1)}.db`);
    copyFileSync(killed, file);
    writeFileSync(`${file}-wal`, change(readFileSync(`${killed}-wal`)));
    return file;
  }

  async function failureMessageOf(file: string): Promise<string> {
    const before = [readFileSync(file), readFileSync(`${file}-wal`)];
    const failure = await failureOf(openStore(file, driver));
    expect(failure).toBeInstanceOf(ConfigurationError);
    const { message } = failure as Error;
    expect(message).toContain(file);
    expect(message).toMatch(/backup/);
    const after = [readFileSync(file), readFileSync(`${file}-wal`)];
    expect(after.every((bytes, index) => bytes.equals(before[index]!))).toBe(true);
    return message;
  }

  async function storedIn(file: string): Promise<number> {
    const store = await openStore(file, driver);
    const { stored } = (await store.counts()).messages;
    await store.close();
    return stored;
  }

  beforeAll(async () => {
    const file = join(directory, 'life.db');
    const store = await openStore(file, driver);
    for (let commits = 0; commits < 5; commits += 1) await sender.send(store);
    copyAsKilled(file, killed);
    await store.close();
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('accepts what a kill left', async () => {
    expect(await storedIn(withLog((wal) => wal))).toBe(sender.acknowledged.size);
  });

  describe('logs that SQLite would ignore silently', () => {
    it.each<[string, (wal: Buffer) => Buffer, RegExp]>([
      ['of another kind', (wal) => Buffer.alloc(wal.length, 'no log '), /is not a write-ahead log of SQLite/],
      ['of another version', (wal) => changed(wal, 7), /expected format \d+, got \d+/],
      ['with a damaged header', (wal) => changed(wal, 17), /header is damaged/],
      ['whose header was wiped', (wal) => changed(wal, 0, HEADER_BYTES), /is not a write-ahead log/],
      [
        'with a damaged page in its first commit',
        (wal) => changed(wal, HEADER_BYTES + 100),
        /committed part of it is damaged/,
      ],
      [
        'with a damaged frame header',
        (wal) => changed(wal, HEADER_BYTES + FRAME_BYTES + 16),
        /committed part of it is damaged/,
      ],
      [
        'with pages that were wiped',
        (wal) => changed(wal, HEADER_BYTES, 3 * FRAME_BYTES),
        /committed part of it is damaged/,
      ],
    ])('are rejected without changing a file: one %s', async (_, change, reason) => {
      expect(await failureMessageOf(withLog(change))).toMatch(reason);
    });

    it('are rejected without changing a file: one of a database with another page size', async () => {
      const wide = join(directory, 'wide.db');
      const connection = await connectSqlite(wide, driver);
      connection.exec(
        'pragma page_size = 8192; pragma journal_mode = wal; create table mine (number); insert into mine values (1)',
      );
      const wal = readFileSync(`${wide}-wal`);
      connection.close();
      expect(await failureMessageOf(withLog(() => wal))).toMatch(
        /another database: expected pages of 4096 bytes, got 8192/,
      );
    });

    it('are rejected without changing a file: one newer than the backup beside it', async () => {
      const file = join(directory, 'restored.db');
      const store = await openStore(file, driver);
      await other.send(store);
      await store.close();
      const backup = readFileSync(file);
      const again = await openStore(file, driver);
      // This is enough for several checkpoints.
      for (let commits = 0; commits < 30; commits += 1) await other.send(again);
      const wal = readFileSync(`${file}-wal`);
      await again.close();
      writeFileSync(file, backup);
      writeFileSync(`${file}-wal`, wal);
      expect(await failureMessageOf(file)).toMatch(/is damaged/);
    });
  });

  describe('logs that a crash may leave', () => {
    it.each<[string, (wal: Buffer) => Buffer]>([
      ['nothing', () => Buffer.alloc(0)],
      ['full length without content', (wal) => Buffer.alloc(wal.length)],
      ['a part of its header', (wal) => wal.subarray(0, 20)],
      ['only a header', (wal) => wal.subarray(0, HEADER_BYTES)],
    ])('are accepted: %s', async (_, change) => {
      await expect(storedIn(withLog(change))).resolves.toEqual(expect.any(Number));
    });

    it('are accepted: any part of the last transaction', async () => {
      const wal = readFileSync(`${killed}-wal`);
      const commits = commitsIn(wal);
      const lost = sender.acknowledged.size - 20;
      const [last = 0, end = 0] = commits.slice(-2);
      for (let at = last; at < end; at += 11 * FRAME_BYTES) {
        expect(await storedIn(withLog(() => wal.subarray(0, at + 1_000)))).toBeLessThanOrEqual(lost);
        expect(await storedIn(withLog(() => changed(wal.subarray(0, end), at + 100)))).toBeLessThanOrEqual(lost);
      }
    });

    it('are accepted: failed transactions overwritten by shorter ones', async () => {
      const branches = [];
      for (const rounds of [1, 8]) {
        const file = withLog((wal) => wal);
        const connection = await connectSqlite(file, driver);
        connection.exec('create table filler (body)');
        connection.exec('begin');
        for (let row = 0; row < rounds; row += 1)
          connection.all('insert into filler values (?)', [Buffer.alloc(50_000, row + 1)]);
        connection.exec('commit');
        branches.push({ file: readFileSync(file), wal: readFileSync(`${file}-wal`) });
        connection.close();
      }
      const [short, long] = branches as [(typeof branches)[0], (typeof branches)[0]];
      expect(long.wal.length).toBeGreaterThan(short.wal.length);
      // Both logs are the same up to this point.
      expect(long.wal.subarray(0, HEADER_BYTES)).toEqual(short.wal.subarray(0, HEADER_BYTES));
      const file = withLog(() => Buffer.concat([short.wal, long.wal.subarray(short.wal.length)]));
      expect(await storedIn(file)).toBe(sender.acknowledged.size);
    });
  });
});

/** Returns a copy with some bytes changed. */
function changed(bytes: Buffer, at: number, length = 1): Buffer {
  const copy = Buffer.from(bytes);
  for (let index = at; index < at + length; index += 1) copy[index] = length === 1 ? ~copy[index]! : 0;
  return copy;
}

/** Returns the offsets at which the commits of a log end. */
function commitsIn(wal: Buffer): number[] {
  const salts = wal.subarray(16, 24);
  const ends: number[] = [];
  for (let at = HEADER_BYTES; at + FRAME_BYTES <= wal.length; at += FRAME_BYTES) {
    if (!wal.subarray(at + 8, at + 16).equals(salts)) break;
    if (wal.readUInt32BE(at + 4) !== 0) ends.push(at + FRAME_BYTES);
  }
  return ends;
}
