import { describe, it } from '@jest/globals';
import { PROPERTY_TEST_MS, type PropertyBudget } from '../property.js';
import { checkBarriers } from './barriers.js';
import { checkIncidents } from './incidents.js';
import { checkToldRun, TOLD_RUNS } from './run-webhooks.js';
import type { NewInbox } from './shared-inbox.js';
import { checkWatchdogs } from './watchdogs.js';

const RUNS = { runs: 40, runsMin: 15 };
/** On Postgres every word is a few round trips and a commit. */
export const RUNS_ON_POSTGRES = { runs: 10, runsMin: 5 };

/** Adds the tests of what several processes on one inbox make of runs, on any store. */
export function describeRuns(newInbox: NewInbox, budget: PropertyBudget = RUNS): void {
  describe('know the same in the end, and have each event once, in whatever order webhooks come, are repeated or lost:', () => {
    it.each(TOLD_RUNS)('$name', (run) => checkToldRun(run, newInbox, budget), PROPERTY_TEST_MS);
  });

  it(
    'have the incidents of the plain rule, for webhooks in any order',
    () => checkIncidents(newInbox, budget),
    PROPERTY_TEST_MS,
  );

  it(
    'join at a barrier the runs of the plain rule, over restarts',
    () => checkBarriers(newInbox, budget),
    PROPERTY_TEST_MS,
  );

  it('bark once at each run that is stuck, over restarts', () => checkWatchdogs(newInbox, budget), PROPERTY_TEST_MS);
}
