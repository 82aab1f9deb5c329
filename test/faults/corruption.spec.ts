import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { onEveryDriver, openStore, quickDirectory } from '../model/sqlite-files.js';
import { CORRUPT } from './driver-errors.js';
import { failureOf } from './failure-of.js';
import { expectUnavailable } from './failure.js';
import { LIFE, LOOKS } from './inbox-life.js';
import { ToldLife } from './told-life.js';

const PAGE_BYTES = 4_096;
/** Every verb is still to come then, and every table has rows. */
const CHAPTER = 9;

/** Overwrites a page; of the first one, the file header stays. */
function damage(file: string, page: number, fill: number): void {
  const start = page === 0 ? 100 : 0;
  const opened = openSync(file, 'r+');
  writeSync(opened, Buffer.alloc(PAGE_BYTES - start, fill), 0, PAGE_BYTES - start, page * PAGE_BYTES + start);
  closeSync(opened);
}

onEveryDriver('an SQLite inbox with a damaged page', (driver) => {
  const directory = quickDirectory();
  let life: ToldLife;

  beforeAll(async () => {
    life = await ToldLife.tell(directory, driver);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** A file with all of its contents in its pages, and none in the log. */
  async function settledFile(): Promise<string> {
    const file = life.fileBefore(CHAPTER);
    await (await openStore(file, driver)).close();
    return file;
  }

  it.each([0x00, 0x41, 0xff])(
    '(all bytes %i) is not opened, whichever page it is, and stays as it was',
    async (fill) => {
      const pages = statSync(await settledFile()).size / PAGE_BYTES;
      expect(pages).toBeGreaterThan(20);
      for (let page = 0; page < pages; page += 1) {
        const file = await settledFile();
        damage(file, page, fill);
        const before = readFileSync(file);
        const refusal = await failureOf(openStore(file, driver));
        expect(refusal).toBeInstanceOf(ConfigurationError);
        expect((refusal as Error).message).toContain(file);
        expect((refusal as Error).message).toMatch(CORRUPT.remedy);
        expect((refusal as Error).message).toMatch(/backup/);
        expect(readFileSync(file).equals(before)).toBe(true);
      }
    },
  );

  it.each([0x00, 0x41, 0xff])(
    '(all bytes %i) that was damaged after the start says so and what to do, whichever page it is, and ends no process',
    async (fill) => {
      const pages = statSync(await settledFile()).size / PAGE_BYTES;
      let refused = 0;
      for (let page = 0; page < pages; page += 1) {
        const file = await settledFile();
        const store = await openStore(file, driver);
        damage(file, page, fill);
        for (const { tell } of [...LOOKS, ...LIFE.slice(CHAPTER)]) {
          const failure = await failureOf(tell(store));
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
