import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { checkBarriers } from './barriers.js';
import { checkIncidents } from './incidents.js';
import { checkToldRun, TOLD_RUNS } from './run-webhooks.js';
import { onEveryDriver, sharedFiles } from './sqlite-files.js';
import { checkWatchdogs } from './watchdogs.js';

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

  it(
    'have the incidents of the plain rule, for webhooks in any order',
    () => checkIncidents(files.next, RUNS),
    TIMEOUT_MS,
  );

  it('join at a barrier the runs of the plain rule, over restarts', () => checkBarriers(files.next, RUNS), TIMEOUT_MS);

  it('bark once at each run that is stuck, over restarts', () => checkWatchdogs(files.next, RUNS), TIMEOUT_MS);
});
