import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { onEveryDriver, openStore, quickDirectory } from '../model/sqlite-files.js';
import { DISK_FULL, FSYNC_FAILED, SHAPES, type Fault, type Shape } from './driver-errors.js';
import { failureOf } from './failure-of.js';
import { watchedConnect } from './faulty-connection.js';
import { dumpInbox } from './inbox-dump.js';
import { FaultAt } from './recorded-operations.js';

const FAULTS: readonly { fault: Fault; shape: Shape }[] = [
  { fault: DISK_FULL, shape: 'node:sqlite' },
  { fault: FSYNC_FAILED, shape: 'better-sqlite3' },
];

onEveryDriver('opening a new SQLite inbox', (driver) => {
  const directory = quickDirectory();
  let calls = 0;
  let files = 0;

  const newFile = (): string => join(directory, `${(files += 1)}.db`);
  const close = (call: string): boolean => call === 'close';

  beforeAll(async () => {
    const store = await openStore(
      newFile(),
      driver,
      watchedConnect({ before: (call) => void (calls += Number(!close(call))) }),
    );
    await store.close();
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  describe.each(FAULTS)('with $fault.name', ({ fault, shape }) => {
    it.each(['once', 'from then on'])(
      'reports the failure at any call and leaves no obstacle behind, %s',
      async (lasting) => {
        expect(calls).toBeGreaterThan(20);
        for (let call = 0; call < calls; call += 1) {
          const file = newFile();
          let closed = 0;
          const fail = (): never => {
            throw SHAPES[shape](fault);
          };
          const watch = new FaultAt(call, { before: (sql) => (close(sql) ? undefined : fail()) }, lasting !== 'once');
          watch.arm();
          const connect = watchedConnect({
            before: watch.before,
            after: (sql) => void (closed += Number(close(sql))),
          });
          const failure = await failureOf(openStore(file, driver, connect));
          expect(failure).toBeInstanceOf(ConfigurationError);
          expect((failure as Error).message).toContain(file);
          expect((failure as Error).message).toMatch(fault.remedy);
          expect(closed).toBe(1);
          await (await openStore(file, driver)).close();
          expect(await dumpInbox(file, driver)).not.toContain('{');
        }
      },
    );
  });
});
