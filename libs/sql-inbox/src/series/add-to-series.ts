import type { AliasedExpression, RawBuilder } from 'kysely';
import { SQL_LIMITS } from '../limits.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { MessagesTable } from '../schema/schema.js';
import type { SeriesTable } from '../schema/series-table.js';
import { change, type Transaction } from '../schema/statement.js';

/** Minute of the totals, and the first minute of other numbers. */
export const TOTAL_MINUTE = 0;
export const FIRST_MINUTE = 1;

/** Columns of the primary key, and those of an amount. */
export const SERIES_KEY = ['minute', 'source', 'kind', 'process_id'] as const;
export const AMOUNTS = ['minute', 'source', 'kind', 'amount'] as const;

/** Number of a minute, or a total. */
export type Amount = Pick<SeriesTable, (typeof AMOUNTS)[number]>;

/** Rows that a transaction has added to the inbox or, if `amount` is negative, removed from it. */
export type Counted = Omit<Amount, 'minute'> & {
  /** Time of the rows. Removed rows have none: they are gone from the total, and a plot still shows when they came. */
  readonly atMs?: number;
};

/**
 * Adds what a transaction counts to the totals and to the minutes of the rows, by one statement. It must be the transaction
 * that writes or removes the rows, so that the totals are exact whenever a process ends.
 */
export function addToSeries(dialect: SqlDialect): (counted: readonly Counted[]) => Transaction<void> {
  const add = change<{ amounts: string }>((value) =>
    seriesUpsert(dialect.db, dialect.given<Amount>(value('amounts'), AMOUNTS), dialect.writer),
  );
  return function* (counted) {
    const amounts = summed(counted.flatMap(amountsOf));
    if (amounts.length > 0) yield* add({ amounts: dialect.list(amounts) });
  };
}

function amountsOf({ atMs, ...counted }: Counted): Amount[] {
  const total = { ...counted, minute: TOTAL_MINUTE };
  return atMs === undefined ? [total] : [total, { ...counted, minute: minuteOf(atMs) }];
}

/** Returns what to count of a message that is purged or erased. */
export function parsedNoMore({ source, state }: Pick<MessagesTable, 'source' | 'state'>): Counted[] {
  return state === 'parsed' ? [{ kind: 'messages.parsed', source, amount: -1 }] : [];
}

/** Returns the minute of a time. A clock that starts in 1970 does not change totals. */
export function minuteOf(atMs: number): number {
  return Math.max(FIRST_MINUTE, Math.floor(atMs / SQL_LIMITS.seriesMinuteMs));
}

/** Returns one amount for each key, without those that are 0. */
export function summed(amounts: readonly Amount[]): Amount[] {
  const sums = new Map<string, Amount>();
  for (const { minute, source, kind, amount } of amounts) {
    const key = JSON.stringify([minute, source, kind]);
    sums.set(key, { minute, source, kind, amount: amount + (sums.get(key)?.amount ?? 0) });
  }
  return [...sums.values()].filter(({ amount }) => amount !== 0);
}

/** Part of the query builder, which a step of a larger statement has, too. */
type Inserting = Pick<SqlDialect['db'], 'insertInto'>;

/** Returns a statement that adds amounts to the rows of one process. */
export function seriesUpsert(
  db: Inserting,
  amounts: AliasedExpression<Amount, 'given'>,
  processId: RawBuilder<string>,
) {
  return db
    .insertInto('series')
    .columns([...AMOUNTS, 'process_id'])
    .expression((eb) =>
      eb
        .selectFrom(amounts)
        .select((given) => [
          ...AMOUNTS.map((column) => given.ref(`given.${column}`).as(column)),
          processId.as('process_id'),
        ])
        // Without a condition, SQLite would read the conflict as part of a join.
        .where(eb.lit(true)),
    )
    .onConflict((conflict) =>
      conflict
        .columns(SERIES_KEY)
        .doUpdateSet((eb) => ({ amount: eb('series.amount', '+', eb.ref('excluded.amount')) })),
    );
}
