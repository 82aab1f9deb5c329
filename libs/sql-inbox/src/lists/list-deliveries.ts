import type { AttemptSummary, DeliveryFilter, DeliverySummary, Page, PageRequest } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { itemsOf, pageOf } from '../rows/pages.js';
import { toAttemptSummary, toDeliverySummary, toFirstSuccess } from '../rows/rows.js';
import { query, type Transaction } from '../schema/statement.js';
import { IS_RARE_DELIVERY, isRareDelivery } from '../rows/rare-states.js';
import { messagesOfRun } from '../rows/run-and-job-rows.js';

/** Lists deliveries, newest first. */
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
    if (state !== undefined) list = list.where('state', '=', state);
    if (state !== undefined && isRareDelivery(state)) list = list.where(IS_RARE_DELIVERY);
    return pageOf(yield* query(list), limit, toDeliverySummary, ({ id }) => id);
  };
}

/** Lists the attempts of a delivery, first to last. A first attempt that succeeded is in the row of the delivery. */
export function listAttempts({ db }: SqlDialect) {
  return function* (deliveryId: string): Transaction<AttemptSummary[]> {
    const first = db
      .selectFrom('deliveries')
      .select(['started_at', 'finished_at'])
      .where('id', '=', deliveryId)
      .where('started_at', 'is not', null)
      .where('finished_at', 'is not', null)
      .$narrowType<{ started_at: number; finished_at: number }>();
    const list = db.selectFrom('attempts').selectAll().where('delivery_id', '=', deliveryId).orderBy('attempt');
    const firsts = (yield* query(first)).map((times) => toFirstSuccess(deliveryId, times));
    return [...firsts, ...(yield* query(list)).map(toAttemptSummary)];
  };
}
