import type { RunKey } from 'nestjs-runhooks/core';
import { IS_RARE_ACTION } from '../rows/rare-states.js';
import type { SqlDialect } from '../schema/dialect.js';
import { query, type Transaction } from '../schema/statement.js';
import { answeredWriter } from './answered-action.js';

/** Run whose reason has a mark. */
export interface MarkedRun {
  readonly mark: string;
  readonly run: RunKey;
}

/**
 * Ends actions as answered by the first runs of their source whose reasons have their marks, unless they are over. Only a triggered
 * run has a reason of Runhooks. The caller holds the locks of these runs.
 */
export function answerMarked(dialect: SqlDialect): (runs: readonly MarkedRun[], now: Date) => Transaction<void> {
  const { db, list, isOneOf, locking } = dialect;
  const writeAnswered = answeredWriter(dialect);
  return function* (runs, now) {
    if (runs.length === 0) return;
    const marked = db
      .selectFrom('actions')
      .selectAll()
      .where((eb) => isOneOf(eb.ref('mark'), list(runs.map(({ mark }) => mark))))
      .where(IS_RARE_ACTION)
      .where('kind', '=', 'trigger')
      // In the order of an erasure, so that neither waits for the other.
      .orderBy('source')
      .orderBy('action_key');
    for (const action of yield* query(locking(marked))) {
      // A message of another source can have the mark, too, for example if both receive the webhooks of one account.
      const first = runs.find(({ mark, run }) => mark === action.mark && run.source === action.source);
      if (!first) continue;
      const { runId, accountId } = first.run;
      yield* writeAnswered(action, { runId, accountId }, () => IS_RARE_ACTION, now);
    }
  };
}
