import type { ActionAnswer, HeldAction } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import type { ActionsTable } from '../schema/provider-tables.js';
import { query, type Transaction } from '../schema/statement.js';
import { actionsLock, selectAction } from './action-rows.js';
import { answeredWriter } from './answered-action.js';

/** Ends a claimed action as answered by the first of the runs that no other action has started. */
export function answerAction(
  dialect: SqlDialect,
): (held: HeldAction, runs: readonly ActionAnswer[], now: Date) => Transaction<ActionAnswer | undefined | false> {
  const { db, locks } = dialect;
  const findFree = freeRunFinder(dialect);
  const writeAnswered = answeredWriter(dialect);
  return function* (held, runs, now) {
    yield* locks.takeAll([actionsLock(held.source)]);
    const [action] = yield* query(selectAction(db, held));
    if (!action || action.lease !== held.lease) return false;
    const answer = yield* findFree(action, runs);
    if (!answer) return undefined;
    const isWritten = yield* writeAnswered(action, answer, (eb) => eb('lease', '=', held.lease), now);
    return isWritten && answer;
  };
}

/** Returns the first run that no action has started. A cancellation ends its target, which an action may have started. */
function freeRunFinder({ db, list, isOneOf }: SqlDialect) {
  return function* (
    { source, kind }: ActionsTable,
    runs: readonly ActionAnswer[],
  ): Transaction<ActionAnswer | undefined> {
    if (runs.length === 0 || kind === 'cancel') return runs[0];
    const ids = list(runs.map(({ runId }) => runId));
    const started = db
      .selectFrom('actions')
      .select('new_run')
      .where('source', '=', source)
      .where('new_run', 'is not', null)
      .where((eb) => isOneOf(eb.ref('new_run'), ids));
    const taken = new Set((yield* query(started)).map(({ new_run }) => new_run));
    return runs.find(({ runId }) => !taken.has(runId));
  };
}
