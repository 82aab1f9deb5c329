import { describe, it } from '@jest/globals';
import { checkBarriers } from './barriers.js';
import { checkIncidents } from './incidents.js';
import { checkToldRun, TOLD_RUNS } from './run-webhooks.js';
import type { NewInbox } from './shared-inbox.js';
import { checkWatchdogs } from './watchdogs.js';

/** More by `MODEL_RUNS=1000 npm test -- test/model`, others by `FC_SEED=…`. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 40);
const TIMEOUT_MS = 10_000 + RUNS * 1_000;

/** Adds the tests of what several processes on one inbox make of runs, on any store. */
export function describeRuns(newInbox: NewInbox): void {
  describe('know the same in the end, and have each event once, in whatever order webhooks come, are repeated or lost:', () => {
    it.each(TOLD_RUNS)('$name', (run) => checkToldRun(run, newInbox, RUNS), TIMEOUT_MS);
  });

  it(
    'have the incidents of the plain rule, for webhooks in any order',
    () => checkIncidents(newInbox, RUNS),
    TIMEOUT_MS,
  );

  it('join at a barrier the runs of the plain rule, over restarts', () => checkBarriers(newInbox, RUNS), TIMEOUT_MS);

  it('bark once at each run that is stuck, over restarts', () => checkWatchdogs(newInbox, RUNS), TIMEOUT_MS);
}
