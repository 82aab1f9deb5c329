import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { checkToldRun, TOLD_RUNS } from './run-webhooks.js';
import { onEveryDriver, sharedFiles } from './sqlite-files.js';

/** More by `MODEL_RUNS=1000 npm test -- test/model`, others by `FC_SEED=…`. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 40);
const TIMEOUT_MS = 10_000 + RUNS * 1_000;

onEveryDriver('two processes on one SQLite inbox', (driver) => {
  let files: Awaited<ReturnType<typeof sharedFiles>>;
  beforeAll(async () => {
    files = await sharedFiles(driver);
  });
  afterAll(() => files.remove());

  describe('know the same in the end, and have each event once, in whatever order webhooks come, are repeated or lost:', () => {
    it.each(TOLD_RUNS)('$name', (run) => checkToldRun(run, files.next, RUNS), TIMEOUT_MS);
  });
});
