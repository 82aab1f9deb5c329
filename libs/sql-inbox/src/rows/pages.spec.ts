import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SQL_LIMITS } from '../limits.js';
import { itemsOf, pageOf } from '../rows/pages.js';

describe('itemsOf', () => {
  it.each([
    ['nothing', {}, SQL_LIMITS.pageItems],
    ['a number', { limit: 7 }, 7],
    ['a broken number', { limit: 7.9 }, 7],
    ['one', { limit: 1 }, 1],
    ['none', { limit: 0 }, 1],
    ['less than none', { limit: -5 }, 1],
    ['too many', { limit: SQL_LIMITS.pageItemsMax + 1 }, SQL_LIMITS.pageItemsMax],
    ['all', { limit: Infinity }, SQL_LIMITS.pageItemsMax],
    ['no number', { limit: Number.NaN }, 1],
    ['a text', { limit: '5' as unknown as number }, 5],
  ])('keeps the limit of %s in bounds', (_, request, items) => {
    expect(itemsOf(request)).toBe(items);
  });

  it('returns an integer in bounds for any limit', () => {
    fc.assert(
      fc.property(fc.double(), (limit) => {
        const items = itemsOf({ limit });
        expect(Number.isInteger(items)).toBe(true);
        expect(items).toBeGreaterThanOrEqual(1);
        expect(items).toBeLessThanOrEqual(SQL_LIMITS.pageItemsMax);
      }),
    );
  });
});

describe('pageOf', () => {
  const page = (numbers: number[], limit: number) =>
    pageOf(
      numbers.map((number) => ({ number })),
      limit,
      ({ number }) => `item ${number}`,
      ({ number }) => `after ${number}`,
    );

  it.each([
    ['no rows', [], { items: [] }],
    ['fewer rows than fit', [1, 2], { items: ['item 1', 'item 2'] }],
    ['as many rows as fit', [1, 2, 3], { items: ['item 1', 'item 2', 'item 3'] }],
    ['one row more', [1, 2, 3, 4], { items: ['item 1', 'item 2', 'item 3'], next: 'after 3' }],
  ])('returns the page of %s', (_, rows, expected) => {
    expect(page(rows, 3)).toEqual(expected);
  });

  it('shows every row once if `next` is followed to the end', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.integer({ min: 1, max: 10 }), (count, limit) => {
        const rows = Array.from({ length: count }, (_, index) => index);
        const seen: string[] = [];
        let after: string | undefined;
        do {
          const start = after === undefined ? 0 : Number(after.split(' ')[1]) + 1;
          const { items, next } = page(rows.slice(start, start + limit + 1), limit);
          seen.push(...items);
          after = next;
        } while (after !== undefined);
        expect(seen).toEqual(rows.map((row) => `item ${row}`));
      }),
    );
  });
});
