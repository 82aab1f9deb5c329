import type { SqlDialect } from '../schema/dialect.js';
import type { ResultsTable } from '../schema/provider-tables.js';
import { statement, type Transaction } from '../schema/statement.js';
import { parseIds, type RunColumns } from './result-rows.js';

type Later = RunColumns & Pick<ResultsTable, 'finished_at'>;

/**
 * Finds successes of nodes in runs of a scope that ended after a time, the latest one of each node. Usually no such run is
 * recorded. Their ids are read run by run, because a run can have ten thousand.
 */
export function laterSuccesses({
  db,
}: SqlDialect): (
  source: string,
  scope: string,
  after: number,
  nodeIds: readonly string[],
) => Transaction<Map<string, Date>> {
  const findRuns = statement<{ source: string; scope: string; after: number }, Later>((value) =>
    db
      .selectFrom('results')
      .select(['source', 'account_id', 'run_id', 'finished_at'])
      .where('source', '=', value('source'))
      .where('scope', '=', value('scope'))
      .where('finished_at', '>', value('after'))
      .where('good', 'is not', null)
      .orderBy('finished_at', 'desc'),
  );
  const findGood = statement<RunColumns, Pick<ResultsTable, 'good'>>((value) =>
    db
      .selectFrom('results')
      .select('good')
      .where('source', '=', value('source'))
      .where('account_id', '=', value('account_id'))
      .where('run_id', '=', value('run_id')),
  );
  return function* (source, scope, after, nodeIds) {
    const found = new Map<string, Date>();
    const wanted = new Set(nodeIds);
    if (wanted.size === 0) return found;
    for (const { finished_at, ...run } of yield* findRuns({ source, scope, after })) {
      if (wanted.size === 0) break;
      for (const { good } of yield* findGood(run)) {
        for (const id of parseIds(good)) if (wanted.delete(id)) found.set(id, new Date(finished_at));
      }
    }
    return found;
  };
}
