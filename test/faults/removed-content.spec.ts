import { createHash } from 'node:crypto';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { rowsOf, type Logger, type Store } from 'nestjs-runhooks/core';
import { IdSequence } from 'nestjs-runhooks/internal';
import { connectSqlite } from 'inside/sqlite-connection';
import { SqliteStore } from 'inside/sqlite-store';
import { SQL_LIMITS } from 'inside/sql-limits';
import { onEveryDriver, openStore, quickDirectory, SILENT } from '../model/sqlite-files.js';

const OLD = Date.UTC(2026, 0, 1);
const NEW = Date.UTC(2026, 5, 1);
const BETWEEN = new Date(Date.UTC(2026, 3, 1));
const PURGE = {
  finishedBefore: BETWEEN,
  deadBefore: BETWEEN,
  deduplicationBefore: BETWEEN,
  goodBefore: BETWEEN,
  nodesBefore: BETWEEN,
  tasksBefore: BETWEEN,
  limit: 200,
};

/** Returns the strings found in the bytes of an inbox's files. */
function found(file: string, text: string): string[] {
  return ['', '-wal'].filter((suffix) => readFileSync(`${file}${suffix}`).includes(text));
}

onEveryDriver('content deleted from an SQLite inbox', (driver) => {
  const directory = quickDirectory();
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** Appends old and then new messages of every size, so that pages are split, merged and reused. */
  async function appendAll(store: Store): Promise<void> {
    const ids = { old: new IdSequence(), new: new IdSequence() };
    const appends = Array.from({ length: 600 }, (_, index) => {
      const age = index < 400 ? 'old' : 'new';
      const receivedAt = new Date((age === 'new' ? NEW : OLD) + index);
      const body = Buffer.from(`${age}-body-${index} `.repeat(1 + ((index * index) % 400)));
      return store.append({
        id: ids[age].next('msg', receivedAt),
        source: 'source',
        provider: 'provider',
        messageKey: `${age}-key-${index}`,
        headers: { 'x-name': `${age}-header-${index}` },
        digest: createHash('sha256').update(body).digest(),
        body,
        receivedAt,
      });
    });
    await Promise.all(appends);
    const claim = { now: new Date(NEW + 1_000), leaseMs: 1_000, lease: 'lease', sources: ['source'], limit: 1_000 };
    const claimed = await store.claimMessages(claim);
    const recordings = claimed.map(({ id }) => ({
      messageId: id,
      lease: 'lease',
      state: 'quarantined' as const,
      reason: `${id < 'msg_019c' ? 'old' : 'new'}-reason`,
      decide: () => ({ events: [] }),
    }));
    await store.record(recordings, claim.now);
  }

  async function purgeAll(store: Store): Promise<number> {
    let removed = 0;
    for (;;) {
      const step = rowsOf(await store.purge(PURGE));
      if (step === 0) return removed;
      removed += step;
    }
  }

  it('is in neither the file nor the log', async () => {
    const file = join(directory, 'purged.db');
    const store = await openStore(file, driver);
    await appendAll(store);
    expect(found(file, 'old-body').length).toBeGreaterThan(0);
    expect(await purgeAll(store)).toBeGreaterThanOrEqual(400);
    for (const text of ['old-body', 'old-header']) expect([text, found(file, text)]).toEqual([text, []]);
    expect(found(file, 'new-body').length).toBeGreaterThan(0);
    await store.close();
  });

  it('is not in the log after the next purge when no other process reads', async () => {
    const file = join(directory, 'read.db');
    const store = await openStore(file, driver);
    await appendAll(store);
    const reader = await connectSqlite(file, driver, { readOnly: true });
    reader.exec('begin');
    reader.all('select count(*) from messages', []);
    await purgeAll(store);
    expect(found(file, 'old-body')).toContain('-wal');
    reader.exec('commit');
    reader.close();
    await store.close();
    const next = await openStore(file, driver);
    await purgeAll(next);
    expect(found(file, 'old-body')).toEqual([]);
    await next.close();
  });
});

onEveryDriver('the log of an SQLite inbox', (driver) => {
  const directory = quickDirectory();
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('causes one warning with the cause when another process keeps it large, and a new one after it was small', async () => {
    const file = join(directory, 'grown.db');
    const warnings: string[] = [];
    const logger: Logger = { ...SILENT, warn: (line) => void warnings.push(line) };
    const store = new SqliteStore({ path: file, driver }, logger);
    await store.open();
    warnings.length = 0;
    const ids = new IdSequence();
    const grow = async (bytes: number): Promise<void> => {
      for (let written = 0; written < bytes; written += 8 * MIB) {
        const receivedAt = new Date();
        const appends = Array.from({ length: 8 }, () => {
          const id = ids.next('msg', receivedAt);
          const body = Buffer.alloc(MIB, id);
          const digest = createHash('sha256').update(body).digest();
          const origin = { source: 'source', provider: 'provider', messageKey: '', headers: {} };
          return store.append({ ...origin, id, digest, body, receivedAt });
        });
        await Promise.all(appends);
      }
    };
    const reader = await connectSqlite(file, driver, { readOnly: true });
    const read = (): void => {
      reader.exec('begin');
      reader.all('select count(*) from messages', []);
    };
    read();
    await grow(SQL_LIMITS.walBytesMax + 24 * MIB);
    expect(warnings).toEqual([expect.stringMatching(/grown\.db.* cannot shrink.* read transaction open.*fuser/)]);
    reader.exec('commit');
    // Nothing blocks this checkpoint, and the next commit starts the log from its beginning.
    await grow(16 * MIB);
    expect(statSync(`${file}-wal`).size).toBeLessThanOrEqual(SQL_LIMITS.walBytesMax);
    expect(warnings).toHaveLength(1);
    reader.close();
    await store.close();
  });
});

const MIB = 1024 * 1024;
