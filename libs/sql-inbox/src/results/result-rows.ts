import { parseDated, type ResultCounts, type RunKey, type SavedResults } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import type { NewRow } from '../schema/new-row.js';
import type { ResultsTable } from '../schema/provider-tables.js';
import { statement, type Transaction } from '../schema/statement.js';

/** Columns of the key of a run's results. */
export const RUN_KEY = ['source', 'account_id', 'run_id'] as const;
export type RunColumns = Pick<ResultsTable, (typeof RUN_KEY)[number]>;

export function runColumns({ source, accountId, runId }: RunKey): RunColumns {
  return { source, account_id: accountId, run_id: runId };
}

/** Finds the saved results of a run, by default without a lock. */
export function resultsFinder(
  { db }: SqlDialect,
  lock: SqlDialect['locking'] = (query) => query,
): (run: RunKey) => Transaction<SavedResults | undefined> {
  const find = statement<RunColumns, ResultsTable>((value) =>
    lock(
      db
        .selectFrom('results')
        .selectAll()
        .where('source', '=', value('source'))
        .where('account_id', '=', value('account_id'))
        .where('run_id', '=', value('run_id')),
    ),
  );
  return function* (run) {
    const [row] = yield* find(runColumns(run));
    return row && isSaved(row) ? toSavedResults(row) : undefined;
  };
}

/** Row of results that are saved completely. */
export type SavedRow = NewRow<'results'> & Pick<SavedResults, 'state'>;

function isSaved(row: ResultsTable): row is SavedRow {
  return row.state !== 'saving';
}

export function toSavedResults(row: SavedRow): SavedResults {
  return {
    state: row.state,
    finishedAt: new Date(row.finished_at),
    failing: row.failing,
    recorded: row.recorded,
    good: parseIds(row.good),
    skipped: parseIds(row.skipped),
    ...(row.scope !== null && { scope: row.scope }),
    ...(row.reason !== null && { reason: row.reason }),
    ...(row.counts !== null && { counts: parseDated<ResultCounts>(row.counts) }),
  };
}

/** Parses ids of nodes. They are removed after some days. */
export function parseIds(text: string | null): string[] {
  return text === null ? [] : (JSON.parse(text) as string[]);
}
