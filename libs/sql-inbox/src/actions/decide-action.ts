import type { ActionKey, ActionOutcome, Decision } from 'nestjs-runhooks/core';
import { recordDecision } from '../rows/record-decision.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { ActionsTable } from '../schema/provider-tables.js';
import { command, query, type Transaction } from '../schema/statement.js';
import { addToSeries } from '../series/add-to-series.js';
import { actionsLock, selectAction, updateAction } from './action-rows.js';
import { FREE, UNSENT } from './advance-action.js';
import { answeredWriter, type Condition } from './answered-action.js';

/** Ends an action as an operator has decided, or sets it back. */
export function decideAction(
  dialect: SqlDialect,
): (action: ActionKey, outcome: ActionOutcome, decision: Required<Decision>, now: Date) => Transaction<boolean> {
  const { db, locks } = dialect;
  const recordDecided = recordDecision(dialect);
  const writeAnswered = answeredWriter(dialect);
  const setBack = backSetter(dialect);
  return function* (key, outcome, decision, now) {
    yield* locks.takeAll([actionsLock(key.source)]);
    const [action] = yield* query(selectAction(db, key));
    let isDecided = false;
    if (action && outcome.outcome === 'done') {
      const { runId } = outcome;
      isDecided = yield* writeAnswered(action, { runId }, isUndecided(now), now);
    } else if (action) {
      isDecided = yield* setBack(action, now);
    }
    yield* recordDecided('decide', decision, isDecided ? 1 : 0, now);
    return isDecided;
  };
}

/**
 * Returns the condition of an action that no attempt goes on with: it is unknown, or its look-up is overdue, because its delivery
 * was dismissed, or because nothing asks for it again.
 */
function isUndecided(now: Date): Condition {
  return (eb) =>
    eb.or([eb('state', '=', 'unknown'), eb.and([eb('state', '=', 'sent'), eb('due_at', '<=', now.getTime())])]);
}

/** Sets an undecided or refused action back to its intent. */
function backSetter(dialect: SqlDialect) {
  const count = addToSeries(dialect);
  return function* ({ source, action_key: key, state }: ActionsTable, now: Date): Transaction<boolean> {
    const set = { ...FREE, ...UNSENT, state: 'intended', refusal: null, updated_at: now.getTime() } as const;
    const setBack = updateAction(dialect.db, { source, key }).set(set).where('state', '=', state);
    const written = yield* command(setBack.where((eb) => eb.or([eb('state', '=', 'refused'), isUndecided(now)(eb)])));
    if (written > 0 && state === 'refused') yield* count([{ kind: 'actions.refused', source, amount: -1 }]);
    return written > 0;
  };
}
