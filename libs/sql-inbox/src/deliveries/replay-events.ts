import { ERASED_EVENT_DATA, type AddedDeliveries, type Decision } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { statement, type Transaction } from '../schema/statement.js';
import { deliveryInserter, deliveryRow } from '../rows/insert-event.js';
import { recordDecision } from '../rows/record-decision.js';

/**
 * Adds deliveries of stored events, once per event, handler and replay (an empty `replayId` is no replay). Purged and
 * erased events get none. The message, or an event without one, is locked until its deliveries are written, so that it
 * is not purged in between.
 */
export function replayEvents(dialect: SqlDialect) {
  const insert = deliveryInserter(dialect);
  const { holdMessage, holdAlone } = holders(dialect);
  return function* (replayId: string, events: readonly AddedDeliveries[], now: Date): Transaction<number> {
    let added = 0;
    for (const { eventId, deliveries } of events) {
      const [held] = yield* holdMessage({ id: eventId });
      const [stored] = held ? [held] : yield* holdAlone({ id: eventId });
      if (!stored) continue;
      for (const delivery of deliveries) {
        added += yield* insert(deliveryRow(delivery, { eventId, source: stored.source }, replayId, now));
      }
    }
    return added;
  };
}

function holders({ db, locking }: SqlDialect) {
  const holdMessage = statement<{ id: string }, { source: string }>((value) =>
    locking(
      db
        .selectFrom('messages')
        .select('source')
        .where('state', '<>', 'erased')
        .where('id', '=', (eb) =>
          eb
            .selectFrom('events')
            .select('message_id')
            .where('events.id', '=', value('id'))
            .where('events.data', '<>', ERASED_EVENT_DATA),
        ),
    ),
  );
  const holdAlone = statement<{ id: string }, { source: string }>((value) =>
    locking(
      db
        .selectFrom('events')
        .select('source')
        .where('id', '=', value('id'))
        .where('message_id', 'is', null)
        .where('data', '<>', ERASED_EVENT_DATA),
    ),
  );
  return { holdMessage, holdAlone };
}

/** Adds deliveries like {@link replayEvents}, and records the decision in the audit. */
export function replayDecided(dialect: SqlDialect) {
  const add = replayEvents(dialect);
  const recordDecided = recordDecision(dialect);
  return function* (
    replayId: string,
    events: readonly AddedDeliveries[],
    decision: Decision,
    now: Date,
  ): Transaction<number> {
    const added = yield* add(replayId, events, now);
    yield* recordDecided('replay', decision, added, now);
    return added;
  };
}
