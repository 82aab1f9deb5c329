import type { AttemptSummary, DeliveryFilter, DeliverySummary, Page, PageRequest } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../dialect.js';
import { sql } from '../query-builder.js';
import { itemsOf, pageOf } from '../pages.js';
import { toAttemptSummary, toDeliverySummary } from '../rows.js';
import { query, type Transaction } from '../statement.js';
import { messagesOfRun } from './run-rows.js';

/** Deliveries, newest first. */
export function listDeliveries({ db, list: listOf, isOneOf }: SqlDialect) {
  return function* (filter: DeliveryFilter, page: PageRequest): Transaction<Page<DeliverySummary>> {
    const { ids, eventId, handlerId, handlerIds, state, run } = filter;
    const { after } = page;
    const limit = itemsOf(page);
    let list = db
      .selectFrom('deliveries')
      .selectAll()
      .orderBy('id', 'desc')
      .limit(limit + 1);
    if (after !== undefined) list = list.where('id', '<', after);
    if (ids) list = list.where((eb) => isOneOf(eb.ref('id'), listOf(ids)));
    if (eventId !== undefined) list = list.where('event_id', '=', eventId);
    if (run) {
      const events = db.selectFrom('events').select('id').where('message_id', 'in', messagesOfRun(db, run));
      list = list.where('event_id', 'in', events);
    }
    if (handlerId !== undefined) list = list.where('handler_id', '=', handlerId);
    if (handlerIds) list = list.where((eb) => isOneOf(eb.ref('handler_id'), listOf(handlerIds)));
    // A literal, so that the engine sees that the index of dead letters fits.
    if (state === 'dead') list = list.where('state', '=', sql.lit('dead'));
    else if (state !== undefined) list = list.where('state', '=', state);
    return pageOf(yield* query(list), limit, toDeliverySummary, ({ id }) => id);
  };
}

/** Attempts of a delivery, first to last. */
export function listAttempts({ db }: SqlDialect) {
  return function* (deliveryId: string): Transaction<AttemptSummary[]> {
    const list = db.selectFrom('attempts').selectAll().where('delivery_id', '=', deliveryId).orderBy('attempt');
    return (yield* query(list)).map(toAttemptSummary);
  };
}
