import { sql } from 'kysely';
import type { SqlDialect } from '../schema/dialect.js';
import { hasKeyIn } from '../schema/has-key-in.js';
import type { SeriesTable } from '../schema/series-table.js';
import { change, statement, type Transaction } from '../schema/statement.js';
import { AMOUNTS, SERIES_KEY, seriesUpsert, summed, TOTAL_MINUTE, type Amount } from './add-to-series.js';

/** Process id of the rows that belong to no process. Only a purge adds to them, and only one process purges. */
const NO_PROCESS = sql.lit('');

/**
 * Adds a limited number of rows of processes to the rows of no process, so that totals and plots are sums of few rows. Rows that
 * a process is adding to are left for the next call.
 */
export function foldSeries(dialect: SqlDialect): (limit: number) => Transaction<void> {
  const { db, list, given, skippingLocked } = dialect;
  type Key = Omit<SeriesTable, 'amount'>;
  const find = statement<{ limit: number }, SeriesTable>((value) =>
    skippingLocked(db.selectFrom('series').selectAll().where('process_id', '<>', NO_PROCESS).limit(value('limit'))),
  );
  const remove = change<{ keys: string }>((value) =>
    db.deleteFrom('series').where(hasKeyIn<Key>(dialect, value('keys'), SERIES_KEY)),
  );
  const add = change<{ amounts: string }>((value) =>
    seriesUpsert(db, given<Amount>(value('amounts'), AMOUNTS), NO_PROCESS),
  );
  return function* (limit) {
    const rows = yield* find({ limit });
    if (rows.length === 0) return;
    yield* remove({ keys: list(rows) });
    yield* add({ amounts: list(summed(rows)) });
  };
}

/** Removes a limited number of folded rows of minutes before a time. Totals stay. */
export function minuteRemover({ db }: SqlDialect) {
  return change<{ before: number; limit: number }>((value) =>
    db
      .deleteFrom('series')
      .where('minute', '>', TOTAL_MINUTE)
      .where('minute', '<', value('before'))
      .where((eb) =>
        eb(
          eb.refTuple(...SERIES_KEY),
          'in',
          eb
            .selectFrom('series')
            .select(SERIES_KEY)
            .where('minute', '>', TOTAL_MINUTE)
            .where('minute', '<', value('before'))
            .where('process_id', '=', NO_PROCESS)
            .orderBy('minute')
            .limit(value('limit'))
            .$asTuple(...SERIES_KEY),
        ),
      ),
  );
}
