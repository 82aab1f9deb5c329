import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { onEveryDriver, openStore, quickDirectory } from '../model/sqlite-files.js';
import { CORRUPT } from './driver-errors.js';
import { failureOf } from './failure-of.js';
import { expectUnavailable } from './failure.js';
import { OPERATIONS, QUERIES } from './store-operations.js';
import { RecordedOperations } from './recorded-operations.js';

const PAGE_BYTES = 4_096;
/** At this operation every table has rows, and later operations still call every verb. */
const FIRST_OPERATION = 9;

/** Overwrites a page, except the file header on the first page. */
function damage(file: string, page: number, fill: number): void {
  const start = page === 0 ? 100 : 0;
  const opened = openSync(file, 'r+');
  writeSync(opened, Buffer.alloc(PAGE_BYTES - start, fill), 0, PAGE_BYTES - start, page * PAGE_BYTES + start);
  closeSync(opened);
}

onEveryDriver('an SQLite inbox with a damaged page', (driver) => {
  const directory = quickDirectory();
  let recorded: RecordedOperations;

  beforeAll(async () => {
    recorded = await RecordedOperations.record(directory, driver);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** Returns a file with all contents in its pages and an empty log. */
  async function settledFile(): Promise<string> {
    const file = recorded.fileBefore(FIRST_OPERATION);
    await (await openStore(file, driver)).close();
    return file;
  }

  it.each([0x00, 0x41, 0xff])(
    'refuses to open with any page damaged (all bytes %i), and leaves the file unchanged',
    async (fill) => {
      const pages = statSync(await settledFile()).size / PAGE_BYTES;
      expect(pages).toBeGreaterThan(20);
      for (let page = 0; page < pages; page += 1) {
        const file = await settledFile();
        damage(file, page, fill);
        const before = readFileSync(file);
        const failure = await failureOf(openStore(file, driver));
        expect(failure).toBeInstanceOf(ConfigurationError);
        expect((failure as Error).message).toContain(file);
        expect((failure as Error).message).toMatch(CORRUPT.remedy);
        expect((failure as Error).message).toMatch(/backup/);
        expect(readFileSync(file).equals(before)).toBe(true);
      }
    },
  );

  it.each([0x00, 0x41, 0xff])(
    'reports the damage and the fix when any page is damaged after the start (all bytes %i), without ending the process',
    async (fill) => {
      const pages = statSync(await settledFile()).size / PAGE_BYTES;
      let refused = 0;
      for (let page = 0; page < pages; page += 1) {
        const file = await settledFile();
        const store = await openStore(file, driver);
        damage(file, page, fill);
        for (const { run } of [...QUERIES, ...OPERATIONS.slice(FIRST_OPERATION)]) {
          const failure = await failureOf(run(store));
          if (failure === undefined) continue;
          expectUnavailable(failure, file, CORRUPT);
          refused += 1;
        }
        await store.close();
      }
      expect(refused).toBeGreaterThan(pages);
    },
  );
});
