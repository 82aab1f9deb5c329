import { handlerIdOf, type Decision, type Dismissal } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { versionsOf } from '../rows/rows.js';
import { command, query, type Transaction } from '../schema/statement.js';
import { IS_RARE_DELIVERY } from '../rows/rare-states.js';
import { recordDecision } from '../rows/record-decision.js';

/**
 * Cancels dead letters and pending deliveries that are not claimed. Also removes a named handler that no process has.
 */
export function dismissDeliveries(dialect: SqlDialect) {
  const { db, list, isOneOf } = dialect;
  const forget = handlerForgetter(dialect);
  const recordDecided = recordDecision(dialect);
  return function* (
    { deliveryIds, handlerId }: Dismissal,
    decision: Required<Decision>,
    now: Date,
  ): Transaction<number> {
    const { by, reason } = decision;
    const dismissal = JSON.stringify({ at: now, by, reason });
    let dismiss = db
      .updateTable('deliveries')
      .set({ state: 'dismissed', due_at: null, lease: null, waiting_for: null, waiting_since: null, dismissal });
    if (deliveryIds) dismiss = dismiss.where((eb) => isOneOf(eb.ref('id'), list(deliveryIds)));
    if (handlerId !== undefined) dismiss = dismiss.where('handler_id', '=', handlerId);
    // Two statements, so that each can use its index: of due deliveries, or of dead ones.
    const pending = dismiss
      .where('due_at', 'is not', null)
      .where((eb) => eb.or([eb('lease', 'is', null), eb('due_at', '<=', now.getTime())]));
    const dead = dismiss.where('state', '=', 'dead').where(IS_RARE_DELIVERY);
    const dismissed = (yield* command(pending)) + (yield* command(dead));
    if (handlerId !== undefined && deliveryIds === undefined) yield* forget(handlerId);
    yield* recordDecided('dismiss', decision, dismissed, now);
    return dismissed;
  };
}

/** Removes a handler's registration and the messages handed off to it, unless a process has the handler. */
function handlerForgetter({ db, list, isOneOf }: SqlDialect) {
  return function* (handlerId: string): Transaction<void> {
    const isOfHandler = (version: string): boolean => handlerIdOf(version) === handlerId;
    const processes = yield* query(db.selectFrom('processes').select('handlers'));
    if (processes.flatMap(versionsOf).some(isOfHandler)) return;
    yield* command(db.deleteFrom('handlers').where('id', '=', handlerId));
    const named = yield* query(db.selectFrom('tasks').select('handler_id').distinct());
    const versions = named.map(({ handler_id }) => handler_id).filter(isOfHandler);
    yield* command(db.deleteFrom('tasks').where((eb) => isOneOf(eb.ref('handler_id'), list(versions))));
  };
}
