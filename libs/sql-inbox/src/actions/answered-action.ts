import type { ActionAnswer, RunKey } from 'nestjs-runhooks/core';
import type { ExpressionBuilder, Expression, SqlBool } from 'kysely';
import { NO_FACTS } from '../rows/rows.js';
import { runLock } from '../rows/run-and-job-rows.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { ActionsTable } from '../schema/provider-tables.js';
import type { Schema } from '../schema/schema.js';
import { command, query, type Transaction } from '../schema/statement.js';
import { addToSeries } from '../series/add-to-series.js';
import { updateAction } from './action-rows.js';
import { FREE } from './advance-action.js';

/** Condition on the row of an action. */
export type Condition = (eb: ExpressionBuilder<Schema, 'actions'>) => Expression<SqlBool>;

/**
 * Ends an action as answered if it still meets a condition, and writes into the row of the new run of a retry which run it
 * retries. A new run is in the account of the target, unless the answer names another one. It takes the lock of that run, under
 * which messages about the run are recorded.
 */
export function answeredWriter(dialect: SqlDialect) {
  const { db, locks } = dialect;
  const count = addToSeries(dialect);
  const writeRetry = retryWriter(dialect);
  return function* (action: ActionsTable, answer: ActionAnswer, isStill: Condition, now: Date): Transaction<boolean> {
    const { source, action_key: key } = action;
    const runId = action.kind === 'cancel' ? undefined : answer.runId;
    const accountId = answer.accountId ?? action.account_id ?? undefined;
    const isKnown = runId !== undefined && accountId !== undefined;
    const newRun = action.kind === 'retry' && isKnown ? { source, accountId, runId } : undefined;
    if (newRun) yield* locks.takeAll([runLock(newRun)]);
    const end = updateAction(db, { source, key }).set({
      ...FREE,
      state: 'answered',
      answer: JSON.stringify(answer),
      new_run: runId ?? null,
      new_account: isKnown ? accountId : null,
      updated_at: now.getTime(),
    });
    if ((yield* command(end.where(isStill))) === 0) return false;
    yield* count([{ kind: 'actions.answered', source, amount: 1, atMs: now.getTime() }]);
    if (newRun) yield* writeRetry(action, newRun, now);
    return true;
  };
}

/** Writes which run a run retries. A run without a row is expected to have the job of the target. */
function retryWriter({ db }: SqlDialect) {
  const selectRun = ({ source, accountId, runId }: RunKey) =>
    db
      .selectFrom('runs')
      .select('job_key')
      .where('source', '=', source)
      .where('account_id', '=', accountId)
      .where('run_id', '=', runId);
  return function* ({ target, account_id, root_run }: ActionsTable, newRun: RunKey, now: Date): Transaction<void> {
    const { source, accountId, runId } = newRun;
    const retry = { retry_of: target, root_run };
    const updated = yield* command(
      db
        .updateTable('runs')
        .set(retry)
        .where('source', '=', source)
        .where('account_id', '=', accountId)
        .where('run_id', '=', runId),
    );
    if (updated > 0) return;
    const [job] = yield* query(selectRun({ source, accountId: account_id ?? accountId, runId: target }));
    if (!job) return;
    const row = { source, account_id: accountId, run_id: runId, ...job, ...retry, updated_at: now.getTime() };
    const unreported = { origin: 'webhook', contradicted: 0, types: '[]', facts: NO_FACTS } as const;
    yield* command(db.insertInto('runs').values({ ...row, ...unreported }));
  };
}
