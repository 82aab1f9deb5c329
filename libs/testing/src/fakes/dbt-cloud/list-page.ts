import { jsonResponse, type FakeResponse } from '../loopback-server.js';
import { FAKE_LIMITS } from '../../limits.js';
import { statusOf } from './refused.js';

/** Page that a call asked for. */
export interface PageOptions {
  readonly limit?: number;
  readonly offset?: number;
}

/** Returns the response with one object. */
export function one(data: unknown): FakeResponse {
  return jsonResponse(200, { data, status: statusOf(200, 'Success!'), extra: {} });
}

/** Returns the response with a page of a list, in the envelope of v2 and v3. */
export function page<T>(
  items: readonly T[],
  show: (item: T) => unknown,
  filters: PageOptions & Readonly<Record<string, unknown>>,
  orderBy = 'id',
): FakeResponse {
  const { limit = FAKE_LIMITS.dbtPageMax, offset = 0 } = filters;
  const data = items.slice(offset, offset + limit).map(show);
  const pagination = { count: data.length, total_count: items.length };
  const extra = { filters: { ...filters, limit, offset }, order_by: orderBy, pagination };
  return jsonResponse(200, { data, status: statusOf(200, 'Success!'), extra });
}
