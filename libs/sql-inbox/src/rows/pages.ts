import type { Page, PageRequest } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';

/** Returns the number of items of a page. An invalid limit is brought into bounds. */
export function itemsOf({ limit = SQL_LIMITS.pageItems }: PageRequest): number {
  return Math.max(1, Math.min(Math.floor(limit) || 1, SQL_LIMITS.pageItemsMax));
}

/** Returns a page of up to `limit` rows. One row more than that means that there is a next page. */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  cursorOf: (row: Row) => string,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next = rows.length > limit && last ? { next: cursorOf(last) } : {};
  return { items: shown.map(toItem), ...next };
}
