import { handlerIdOf, type Dismissal } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../dialect.js';
import { sql } from '../query-builder.js';
import { versionsOf } from '../rows.js';
import { query, type Transaction } from '../statement.js';

/** Ends pending deliveries that nobody holds, and dead letters; a handler that is named and gone is forgotten, too. */
export function dismissDeliveries(dialect: SqlDialect) {
  const { db, list, isOneOf } = dialect;
  const forget = handlerForgetter(dialect);
  return function* ({ deliveryIds, handlerId, by, reason }: Dismissal, now: Date): Transaction<number> {
    const dismissal = JSON.stringify({ at: now, by, reason });
    let dismiss = db
      .updateTable('deliveries')
      .set({ state: 'dismissed', due_at: null, lease: null, dismissal })
      .returning('id');
    if (deliveryIds) dismiss = dismiss.where((eb) => isOneOf(eb.ref('id'), list(deliveryIds)));
    if (handlerId !== undefined) dismiss = dismiss.where('handler_id', '=', handlerId);
    // Apart, so that each goes by the index of what is due, or of what is dead.
    const pending = dismiss
      .where('due_at', 'is not', null)
      .where((eb) => eb.or([eb('lease', 'is', null), eb('due_at', '<=', now.getTime())]));
    const dead = dismiss.where('state', '=', sql.lit('dead'));
    const dismissed = [...(yield* query(pending)), ...(yield* query(dead))];
    if (handlerId !== undefined && deliveryIds === undefined) yield* forget(handlerId);
    return dismissed.length;
  };
}

/** Removes a handler's registration and what was put aside for it, unless a process still has it. */
function handlerForgetter({ db, list, isOneOf }: SqlDialect) {
  return function* (handlerId: string): Transaction<void> {
    const isOfHandler = (version: string): boolean => handlerIdOf(version) === handlerId;
    const processes = yield* query(db.selectFrom('processes').select('handlers'));
    if (processes.flatMap(versionsOf).some(isOfHandler)) return;
    yield* query(db.deleteFrom('handlers').where('id', '=', handlerId));
    const named = yield* query(db.selectFrom('tasks').select('handler_id').distinct());
    const versions = named.map(({ handler_id }) => handler_id).filter(isOfHandler);
    yield* query(db.deleteFrom('tasks').where((eb) => isOneOf(eb.ref('handler_id'), list(versions))));
  };
}
