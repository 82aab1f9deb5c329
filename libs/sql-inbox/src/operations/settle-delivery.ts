import type { Settlement } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../dialect.js';
import type { AttemptsTable, DeliveriesTable } from '../schema.js';
import { statement, type Transaction } from '../statement.js';

type Values = Pick<DeliveriesTable, 'id' | 'state' | 'due_at'> & { lease: string };

/** Records an attempt and what becomes of the delivery, fenced by the lease: false if another holds it by now. */
export function settleDelivery({ db }: SqlDialect): (settlement: Settlement) => Transaction<boolean> {
  const settle = statement<Values, Pick<DeliveriesTable, 'attempts'>>((value) =>
    db
      .updateTable('deliveries')
      .set({ state: value('state'), due_at: value('due_at'), lease: null })
      .where('id', '=', value('id'))
      .where('lease', '=', value('lease'))
      .returning('attempts'),
  );
  const insertAttempt = statement<AttemptsTable, object>((value) =>
    db.insertInto('attempts').values({
      delivery_id: value('delivery_id'),
      attempt: value('attempt'),
      started_at: value('started_at'),
      finished_at: value('finished_at'),
      outcome: value('outcome'),
      error_name: value('error_name'),
      error_message: value('error_message'),
      error_stack: value('error_stack'),
    }),
  );
  return function* ({ deliveryId, lease, attempt, next }) {
    const due_at = next.state === 'pending' ? next.dueAt.getTime() : null;
    const [delivery] = yield* settle({ id: deliveryId, lease, state: next.state, due_at });
    if (!delivery) return false;
    yield* insertAttempt({
      delivery_id: deliveryId,
      attempt: delivery.attempts,
      started_at: attempt.startedAt.getTime(),
      finished_at: attempt.finishedAt.getTime(),
      outcome: attempt.outcome,
      error_name: attempt.error?.name ?? null,
      error_message: attempt.error?.message ?? null,
      error_stack: attempt.error?.stack ?? null,
    });
    return true;
  };
}
