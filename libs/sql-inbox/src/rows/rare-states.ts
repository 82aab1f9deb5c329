import type { DeliveryState, MessageState } from 'nestjs-runhooks/core';
import { sql, type SqlBool } from 'kysely';

/** What nearly all rows are; the others are in an index of their own. */
const USUAL_MESSAGES: readonly MessageState[] = ['stored', 'parsed'];
const USUAL_DELIVERIES: readonly DeliveryState[] = ['pending', 'succeeded'];

/** A query goes by the index of what is rare if it has the same words as the index, as literals. */
export const IS_RARE_MESSAGE = isNoneOf(USUAL_MESSAGES);
export const IS_RARE_DELIVERY = isNoneOf(USUAL_DELIVERIES);

export function isRareMessage(state: MessageState): boolean {
  return !USUAL_MESSAGES.includes(state);
}

export function isRareDelivery(state: DeliveryState): boolean {
  return !USUAL_DELIVERIES.includes(state);
}

function isNoneOf(states: readonly string[]) {
  return sql<SqlBool>`state not in (${sql.join(states.map((state) => sql.lit(state)))})`;
}
