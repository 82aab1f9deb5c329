import {
  ERASED_EVENT_DATA,
  type AddedDeliveries,
  type Decision,
  type Redrive,
  type Reread,
} from 'nestjs-runhooks/core';
import type { SqlDialect } from '../dialect.js';
import { command, statement, type Transaction } from '../statement.js';
import { AT_ONCE } from './due.js';
import { insertDelivery } from './insert-event.js';
import { IS_RARE_DELIVERY } from './rare-states.js';
import { recordDecision } from './record-decision.js';

/** Makes dead letters due at once, with all their attempts before them again. */
export function redriveDeliveries(dialect: SqlDialect) {
  const { db, isOneOf, list } = dialect;
  const recordDecided = recordDecision(dialect);
  return function* ({ deliveryIds, handlerId }: Redrive, decision: Decision, now: Date): Transaction<number> {
    let redrive = db
      .updateTable('deliveries')
      .set((eb) => ({ state: 'pending', due_at: now.getTime(), lease: null, attempts_before: eb.ref('attempts') }))
      .where('state', '=', 'dead')
      .where(IS_RARE_DELIVERY);
    if (deliveryIds) redrive = redrive.where((eb) => isOneOf(eb.ref('id'), list(deliveryIds)));
    if (handlerId !== undefined) redrive = redrive.where('handler_id', '=', handlerId);
    const redriven = yield* command(redrive);
    yield* recordDecided('redrive', decision, redriven, now);
    return redriven;
  };
}

/**
 * Adds deliveries of stored events, once per event, handler and replay (empty: none). An event that was purged meanwhile gets none:
 * it goes with its message, which is held until its deliveries are written. One that was erased gets none either.
 */
export function replayEvents(dialect: SqlDialect) {
  const insert = insertDelivery(dialect);
  const holdMessage = statement<{ id: string }, { source: string }>((value) =>
    dialect.locking(
      dialect.db
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
  return function* (replayId: string, events: readonly AddedDeliveries[], now: Date): Transaction<number> {
    let added = 0;
    for (const { eventId, deliveries } of events) {
      const [stored] = yield* holdMessage({ id: eventId });
      if (!stored) continue;
      for (const delivery of deliveries) {
        if (yield* insert(delivery, { eventId, source: stored.source }, replayId, now)) added += 1;
      }
    }
    return added;
  };
}

/** The same, because somebody decided it. */
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

/** Makes settled messages `stored` again, due at once. */
export function rereadMessages(dialect: SqlDialect) {
  const { db, isOneOf, list } = dialect;
  const recordDecided = recordDecision(dialect);
  return function* ({ messageIds, states, quiet }: Reread, decision: Decision, now: Date): Transaction<number> {
    let reread = db
      .updateTable('messages')
      .set({ state: 'stored', reason: null, notes: null, reads: 0 })
      .set({ quiet: quiet ? 1 : 0, due_at: AT_ONCE, lease: null })
      .where((eb) => isOneOf(eb.ref('state'), list(states)))
      .where('state', '<>', 'erased');
    if (messageIds) reread = reread.where((eb) => isOneOf(eb.ref('id'), list(messageIds)));
    const again = yield* command(reread);
    yield* recordDecided('reread', decision, again, now);
    return again;
  };
}
