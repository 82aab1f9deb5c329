import type { NewAction } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { query, type Transaction } from '../schema/statement.js';

/** Longest chain of retries that is followed. A longer one may be a circle. */
const CHAIN_MAX = 100;

/**
 * Finds the first run of the chain of retries that ends with the target. An action knows the root run of the run that it has
 * started, also if that run has no row. Of other runs, their rows have the run that they retry.
 */
export function rootRunFinder({ db }: SqlDialect): (action: NewAction) => Transaction<string> {
  return function* ({ source, target, accountId }) {
    let run = target;
    for (let step = 0; step < CHAIN_MAX; step += 1) {
      const started = db
        .selectFrom('actions')
        .select('root_run')
        .where('source', '=', source)
        .where('new_run', '=', run)
        .where('root_run', 'is not', null)
        .$narrowType<{ root_run: string }>()
        .limit(1);
      const [action] = yield* query(started);
      if (action) return action.root_run;
      if (accountId === undefined) return run;
      const known = db
        .selectFrom('runs')
        .select(['root_run', 'retry_of'])
        .where('source', '=', source)
        .where('account_id', '=', accountId)
        .where('run_id', '=', run);
      const [row] = yield* query(known);
      if (row && row.root_run !== null) return row.root_run;
      if (!row || row.retry_of === null) return run;
      run = row.retry_of;
    }
    return run;
  };
}
