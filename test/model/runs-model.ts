import { describe, it } from '@jest/globals';
import { PROPERTY_TEST_MS, type PropertyBudget } from '../property.js';
import { checkBarriers } from './barriers.js';
import { checkIncidents } from './incidents.js';
import { checkRunWebhooks, RUN_CASES } from './run-webhooks.js';
import type { NewInbox } from './shared-inbox.js';
import { checkStuckRuns } from './stuck-runs.js';

const RUNS = { runs: 40, runsMin: 15 };
/** On Postgres every call takes a few round trips and a commit. */
export const RUNS_ON_POSTGRES = { runs: 10, runsMin: 5 };

/** Adds the tests of run events and run states in several processes on one inbox, for any store. */
export function describeRuns(newInbox: NewInbox, budget: PropertyBudget = RUNS): void {
  describe('the final state and the events of a run, for any order, repetition and loss of webhooks', () => {
    it.each(RUN_CASES)('$name', (run) => checkRunWebhooks(run, newInbox, budget), PROPERTY_TEST_MS);
  });

  it(
    'creates the incidents of the plain rule for webhooks in any order',
    () => checkIncidents(newInbox, budget),
    PROPERTY_TEST_MS,
  );

  it(
    'joins the runs of the plain rule for @OnAllRuns, across restarts',
    () => checkBarriers(newInbox, budget),
    PROPERTY_TEST_MS,
  );

  it('emits run.stuck once per stuck run, across restarts', () => checkStuckRuns(newInbox, budget), PROPERTY_TEST_MS);
}
