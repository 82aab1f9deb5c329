import type { Held } from 'nestjs-runhooks/core';
import type { EventOrigin } from '../rows/insert-event.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { DeliveriesTable } from '../schema/schema.js';
import { statement, type Transaction } from '../schema/statement.js';

/** Locks a delivery. Returns whether its claim has not been lost. */
export function deliveryHolder(dialect: SqlDialect): (held: Held) => Transaction<boolean> {
  const hold = rowHolder(dialect);
  return function* (held) {
    return (yield* hold(held)).length > 0;
  };
}

/**
 * Locks a delivery and the message of its event. Returns where the events come from that follow from it, or `undefined` if the
 * claim has been lost. An erasure also locks the message before the delivery, so that it misses nothing that is written here.
 */
export function workHolder(dialect: SqlDialect): (held: Held) => Transaction<EventOrigin | undefined> {
  const { db, locking } = dialect;
  const holdMessage = statement<{ id: string }, object>((value) =>
    locking(
      db
        .selectFrom('messages')
        .select('id')
        .where('id', '=', (eb) =>
          eb
            .selectFrom('deliveries')
            .innerJoin('events', 'events.id', 'deliveries.event_id')
            .select('events.message_id')
            .where('deliveries.id', '=', value('id')),
        ),
    ),
  );
  const hold = rowHolder(dialect);
  const findOrigin = statement<{ id: string }, EventOrigin>((value) =>
    db.selectFrom('events').select(['source', 'provider', 'message_id']).where('id', '=', value('id')),
  );
  return function* (held) {
    yield* holdMessage({ id: held.id });
    const [delivery] = yield* hold(held);
    const [origin] = delivery ? yield* findOrigin({ id: delivery.event_id }) : [];
    return origin;
  };
}

function rowHolder({ db, locking }: SqlDialect) {
  return statement<Held, Pick<DeliveriesTable, 'event_id'>>((value) =>
    locking(
      db.selectFrom('deliveries').select('event_id').where('id', '=', value('id')).where('lease', '=', value('lease')),
    ),
  );
}
