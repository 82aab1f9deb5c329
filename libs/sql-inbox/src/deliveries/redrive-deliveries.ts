import type { Decision, Redrive } from 'nestjs-runhooks/core';
import { IS_RARE_DELIVERY } from '../rows/rare-states.js';
import { recordDecision } from '../rows/record-decision.js';
import type { SqlDialect } from '../schema/dialect.js';
import { command, type Transaction } from '../schema/statement.js';

/** Makes dead letters due now, with a fresh set of attempts. */
export function redriveDeliveries(dialect: SqlDialect) {
  const { db, isOneOf, list } = dialect;
  const recordDecided = recordDecision(dialect);
  return function* ({ deliveryIds, handlerId }: Redrive, decision: Decision, now: Date): Transaction<number> {
    let redrive = db
      .updateTable('deliveries')
      .set({ state: 'pending', due_at: now.getTime(), lease: null, waiting_for: null, waiting_since: null })
      .set((eb) => ({ attempts_before: eb.ref('attempts') }))
      .where('state', '=', 'dead')
      .where(IS_RARE_DELIVERY);
    if (deliveryIds) redrive = redrive.where((eb) => isOneOf(eb.ref('id'), list(deliveryIds)));
    if (handlerId !== undefined) redrive = redrive.where('handler_id', '=', handlerId);
    const redriven = yield* command(redrive);
    yield* recordDecided('redrive', decision, redriven, now);
    return redriven;
  };
}
