import type { DeliveryState, MessageState } from 'nestjs-runhooks/core';
import type { SqlBool } from 'kysely';
import { sql } from '../query-builder.js';

/**
 * What few rows are, of however many: an index has just those. A query goes by it that has the same words as the index,
 * as literals.
 */
export const IS_RARE_MESSAGE = sql<SqlBool>`state not in ('stored', 'read')`;
export const IS_RARE_DELIVERY = sql<SqlBool>`state not in ('pending', 'succeeded')`;

export function isRareMessage(state: MessageState): boolean {
  return state !== 'stored' && state !== 'read';
}

export function isRareDelivery(state: DeliveryState): boolean {
  return state !== 'pending' && state !== 'succeeded';
}
