import { describe, it } from '@jest/globals';
import { checkBarriers } from './barriers.js';
import { checkIncidents } from './incidents.js';
import { checkToldRun, TOLD_RUNS } from './run-webhooks.js';
import type { NewInbox } from './shared-inbox.js';
import { checkWatchdogs } from './watchdogs.js';

/** More by `MODEL_RUNS=1000 npm test -- test/model`, others by `FC_SEED=…`. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 40);
/** On Postgres every word is a few round trips and a commit. */
export const RUNS_ON_POSTGRES = Number(process.env['MODEL_RUNS'] ?? 10);

/** Adds the tests of what several processes on one inbox make of runs, on any store. */
export function describeRuns(newInbox: NewInbox, runs = RUNS): void {
  const timeoutMs = 10_000 + runs * 2_000;
  describe('know the same in the end, and have each event once, in whatever order webhooks come, are repeated or lost:', () => {
    it.each(TOLD_RUNS)('$name', (run) => checkToldRun(run, newInbox, runs), timeoutMs);
  });

  it(
    'have the incidents of the plain rule, for webhooks in any order',
    () => checkIncidents(newInbox, runs),
    timeoutMs,
  );

  it('join at a barrier the runs of the plain rule, over restarts', () => checkBarriers(newInbox, runs), timeoutMs);

  it('bark once at each run that is stuck, over restarts', () => checkWatchdogs(newInbox, runs), timeoutMs);
}
