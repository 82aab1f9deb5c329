import type { ActionAnswer, ActionRefusal, RunKey } from 'nestjs-runhooks/core';
import { updateAction } from '../actions/action-rows.js';
import { actionsOfRun } from '../actions/actions-of-run.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { ActionsTable } from '../schema/provider-tables.js';
import { command, query, type Transaction } from '../schema/statement.js';

/** Erases the content of actions that runs and events have led to: arguments, pages, and messages of refusals. */
export function actionEraser({ db, isOneOf, list, locking }: SqlDialect) {
  const select = db.selectFrom('actions').selectAll().orderBy('source').orderBy('action_key');
  const erase = function* (rows: readonly ActionsTable[]): Transaction<void> {
    for (const { source, action_key: key, answer, refusal } of rows) {
      const set = { request: '{}', answer: answer && withoutPage(answer), refusal: refusal && withoutText(refusal) };
      yield* command(updateAction(db, { source, key }).set(set));
    }
  };
  return function* (runs: readonly RunKey[], eventIds: readonly string[]): Transaction<void> {
    for (const run of runs) {
      const keys = actionsOfRun(db, run).$asTuple('source', 'action_key');
      const ofRun = select.where((eb) => eb(eb.refTuple('source', 'action_key'), 'in', keys));
      yield* erase(yield* query(locking(ofRun)));
    }
    if (eventIds.length === 0) return;
    const asked = select.where('event_id', 'is not', null).where((eb) => isOneOf(eb.ref('event_id'), list(eventIds)));
    yield* erase(yield* query(locking(asked)));
  };
}

function withoutPage(answer: string): string {
  const { url: _url, ...rest } = JSON.parse(answer) as Partial<ActionAnswer>;
  return JSON.stringify(rest);
}

function withoutText(refusal: string): string {
  const { reason } = JSON.parse(refusal) as ActionRefusal;
  return JSON.stringify({ reason, message: 'erased' } satisfies ActionRefusal);
}
