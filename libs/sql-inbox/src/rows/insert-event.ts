import type { NewDelivery, NewEvent } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import type { EventsTable } from '../schema/schema.js';
import { change, type Transaction } from '../schema/statement.js';

/** Origin of an event. */
export type EventOrigin = Pick<EventsTable, 'source' | 'provider' | 'message_id'>;

/** Event of a delivery. */
export interface DeliveredEvent {
  readonly eventId: string;
  readonly source: string;
}

/** Writes an event and its deliveries, all due now. Returns `false` if the event already exists. */
export function insertEvent(
  dialect: SqlDialect,
): (event: NewEvent, origin: EventOrigin, now: Date) => Transaction<boolean> {
  const insert = eventInserter(dialect);
  const insertOne = insertDelivery(dialect);
  return function* ({ id, type, occurredAt, data, deliveries }, { source, provider, message_id }, now) {
    const recorded_at = now.getTime();
    const occurred_at = occurredAt.getTime();
    const event = { id, type, source, provider, message_id, occurred_at, recorded_at, data };
    if ((yield* insert(event)) === 0) return false;
    for (const delivery of deliveries) yield* insertOne(delivery, { eventId: id, source }, '', now);
    return true;
  };
}

/**
 * Writes a delivery that is due now. Returns `false` if the handler already has the event for this replay, or for none.
 */
export function insertDelivery({
  db,
}: SqlDialect): (delivery: NewDelivery, event: DeliveredEvent, replayId: string, now: Date) => Transaction<boolean> {
  const insert = change<NewRow<'deliveries'>>((value) =>
    db
      .insertInto('deliveries')
      .values(newRow('deliveries', value))
      .onConflict((conflict) => conflict.columns(['event_id', 'handler_id', 'replay_id']).doNothing()),
  );
  return function* ({ id, handlerId: handler_id, lane = null }, { eventId: event_id, source }, replay_id, now) {
    const due = { state: 'pending', attempts: 0, attempts_before: 0, due_at: now.getTime() } as const;
    const in_lane = lane === null ? 0 : 1;
    return (yield* insert({ id, event_id, handler_id, source, replay_id, lane, in_lane, ...due })) > 0;
  };
}

function eventInserter({ db }: SqlDialect) {
  return change<NewRow<'events'>>((value) =>
    db
      .insertInto('events')
      .values(newRow('events', value))
      .onConflict((conflict) => conflict.column('id').doNothing()),
  );
}
