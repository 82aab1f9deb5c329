import type { Page, PageRequest } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';

/** How many items a page is to have. A limit that makes no sense is brought into bounds. */
export function itemsOf({ limit = SQL_LIMITS.pageItems }: PageRequest): number {
  return Math.max(1, Math.min(Math.floor(limit) || 1, SQL_LIMITS.pageItemsMax));
}

/** A page from one row more than it has items: that one tells whether there is a next page. */
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
