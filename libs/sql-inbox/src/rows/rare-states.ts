import type { ActionState, DeliveryState, MessageState } from 'nestjs-runhooks/core';
import { sql, type SqlBool } from 'kysely';

/** States of nearly all rows. Rows in other states are in an index of their own. */
const USUAL_MESSAGES: readonly MessageState[] = ['stored', 'parsed'];
const USUAL_DELIVERIES: readonly DeliveryState[] = ['pending', 'succeeded'];
const USUAL_ACTIONS: readonly ActionState[] = ['answered', 'refused'];

/**
 * Conditions for the indexes of rare states. An index is used only if a query repeats its condition with the same
 * literals.
 */
export const IS_RARE_MESSAGE = isNoneOf(USUAL_MESSAGES);
export const IS_RARE_DELIVERY = isNoneOf(USUAL_DELIVERIES);
export const IS_RARE_ACTION = isNoneOf(USUAL_ACTIONS);

export function isRareMessage(state: MessageState): boolean {
  return !USUAL_MESSAGES.includes(state);
}

export function isRareDelivery(state: DeliveryState): boolean {
  return !USUAL_DELIVERIES.includes(state);
}

export function isRareAction(state: ActionState): boolean {
  return !USUAL_ACTIONS.includes(state);
}

function isNoneOf(states: readonly string[]) {
  return sql<SqlBool>`state not in (${sql.join(states.map((state) => sql.lit(state)))})`;
}
