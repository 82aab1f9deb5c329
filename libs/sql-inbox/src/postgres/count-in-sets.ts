import { sql, type RawBuilder } from 'kysely';
import { SQL_LIMITS } from '../limits.js';
import type { SqlDialect } from '../schema/dialect.js';
import { FIRST_MINUTE, seriesUpsert, TOTAL_MINUTE, type Amount } from '../series/add-to-series.js';

/**
 * Adds rows to the series within the statement that writes them. `rows` selects the `source` and the `kind` of each, and its
 * time as `at`.
 */
export function countRows(
  step: Pick<SqlDialect['db'], 'insertInto'>,
  rows: RawBuilder<unknown>,
  { writer }: SqlDialect,
) {
  const [first, total] = [sql.lit(FIRST_MINUTE), sql.lit(TOTAL_MINUTE)];
  const amounts = sql<Amount>`(
    select minute, source, kind, count(*) as amount
    from (${rows}) as counted, unnest(array[greatest(${first}, at / ${sql.lit(SQL_LIMITS.seriesMinuteMs)}), ${total}]) as minutes(minute)
    group by minute, source, kind
  )`;
  return seriesUpsert(step, amounts.as('given'), writer);
}
