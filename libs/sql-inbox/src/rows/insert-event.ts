import type { NewDelivery, NewEvent } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import type { EventsTable } from '../schema/schema.js';
import { change } from '../schema/statement.js';

/** Origin of an event. */
export type EventOrigin = Pick<EventsTable, 'source' | 'provider' | 'message_id'>;

/** Event of a delivery. */
export interface DeliveredEvent {
  readonly eventId: string;
  readonly source: string;
}

export function eventRow(
  { id, type, occurredAt, data }: NewEvent,
  { source, provider, message_id }: EventOrigin,
  now: Date,
): NewRow<'events'> {
  const times = { occurred_at: occurredAt.getTime(), recorded_at: now.getTime() };
  return { id, type, source, provider, message_id, ...times, data };
}

/** Returns the row of a new delivery: due now, or claimed as its first attempt. */
export function deliveryRow(
  { id, handlerId: handler_id, lane, claim }: NewDelivery,
  { eventId: event_id, source }: DeliveredEvent,
  replay_id: string,
  now: Date,
): NewRow<'deliveries'> {
  return {
    id,
    event_id,
    handler_id,
    source,
    replay_id,
    lane: lane ?? null,
    in_lane: lane === undefined ? 0 : 1,
    state: 'pending',
    attempts: claim ? 1 : 0,
    attempts_before: 0,
    due_at: (claim?.until ?? now).getTime(),
    lease: claim?.lease ?? null,
  };
}

/** Inserts a delivery unless its handler already has the event for this replay. */
export function deliveryInserter({ db }: SqlDialect) {
  return change<NewRow<'deliveries'>>((value) =>
    db
      .insertInto('deliveries')
      .values(newRow('deliveries', value))
      .onConflict((conflict) => conflict.columns(['event_id', 'handler_id', 'replay_id']).doNothing()),
  );
}

/** Inserts an event unless it exists. */
export function eventInserter({ db }: SqlDialect) {
  return change<NewRow<'events'>>((value) =>
    db
      .insertInto('events')
      .values(newRow('events', value))
      .onConflict((conflict) => conflict.column('id').doNothing()),
  );
}
