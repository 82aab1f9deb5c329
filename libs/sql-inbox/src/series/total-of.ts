import type { SqlDialect } from '../schema/dialect.js';
import type { SeriesKind } from '../schema/series-table.js';
import { TOTAL_MINUTE } from './add-to-series.js';

/** Selects the number of rows of a kind. It reads one row for each source, and for each process since the last purge. */
export function totalOf(db: SqlDialect['db'], kind: SeriesKind) {
  return db
    .selectFrom('series')
    .select((eb) => eb.fn.sum<number | null>('amount').as('total'))
    .where('minute', '=', TOTAL_MINUTE)
    .where('kind', '=', kind);
}
