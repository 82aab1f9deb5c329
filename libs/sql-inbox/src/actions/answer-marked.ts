import type { RunKey } from 'nestjs-runhooks/core';
import { IS_RARE_ACTION } from '../rows/rare-states.js';
import type { SqlDialect } from '../schema/dialect.js';
import { query, type Transaction } from '../schema/statement.js';
import { answeredWriter } from './answered-action.js';

/**
 * Ends actions as answered by the runs whose reasons have their marks, unless they are over. The caller holds the locks of these
 * runs.
 */
export function answerMarked(dialect: SqlDialect): (runs: ReadonlyMap<string, RunKey>, now: Date) => Transaction<void> {
  const { db, list, isOneOf, locking } = dialect;
  const writeAnswered = answeredWriter(dialect);
  return function* (runs, now) {
    if (runs.size === 0) return;
    const marked = db
      .selectFrom('actions')
      .selectAll()
      .where((eb) => isOneOf(eb.ref('mark'), list([...runs.keys()])))
      .where(IS_RARE_ACTION)
      .orderBy('mark')
      .orderBy('source');
    for (const action of yield* query(locking(marked))) {
      const run = runs.get(action.mark);
      if (run?.source !== action.source) continue;
      const { runId, accountId } = run;
      yield* writeAnswered(action, { runId, accountId }, () => IS_RARE_ACTION, now);
    }
  };
}
