import type { Settlement } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import type { DeliveriesTable, EventsTable } from '../schema/schema.js';
import { change, statement, type Transaction } from '../schema/statement.js';
import { insertEvent, type EventOrigin } from '../rows/insert-event.js';

type Settled = Pick<DeliveriesTable, 'attempts' | 'event_id'>;

/**
 * Records an attempt and the next state of its delivery. Returns `false` and writes nothing if the lease has been lost.
 */
export function settleDelivery(dialect: SqlDialect): (settlement: Settlement, now: Date) => Transaction<boolean> {
  const settle = deliverySettler(dialect);
  const insertAttempt = attemptInserter(dialect);
  const findOrigin = originFinder(dialect);
  const insert = insertEvent(dialect);
  return function* ({ deliveryId, lease, attempt, next }, now) {
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
    if (next.state === 'dead' && next.event) {
      const [origin] = yield* findOrigin({ id: delivery.event_id });
      if (origin) yield* insert(next.event, origin, now);
    }
    return true;
  };
}

function deliverySettler({ db }: SqlDialect) {
  type Values = Pick<DeliveriesTable, 'id' | 'state' | 'due_at'> & { lease: string };
  return statement<Values, Settled>((value) =>
    db
      .updateTable('deliveries')
      .set({ state: value('state'), due_at: value('due_at'), lease: null })
      .where('id', '=', value('id'))
      .where('lease', '=', value('lease'))
      .returning(['attempts', 'event_id']),
  );
}

function attemptInserter({ db }: SqlDialect) {
  return change<NewRow<'attempts'>>((value) => db.insertInto('attempts').values(newRow('attempts', value)));
}

function originFinder({ db }: SqlDialect) {
  return statement<Pick<EventsTable, 'id'>, EventOrigin>((value) =>
    db.selectFrom('events').select(['source', 'provider', 'message_id']).where('id', '=', value('id')),
  );
}
