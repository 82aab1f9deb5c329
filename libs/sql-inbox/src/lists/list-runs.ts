import type { JobKey, JobState, Page, PageRequest, RunFilter, RunKey, RunSummary } from 'nestjs-runhooks/core';
import { sql, type SqlBool } from 'kysely';
import type { SqlDialect } from '../schema/dialect.js';
import { itemsOf, pageOf } from '../rows/pages.js';
import { toJobState, toRunSummary } from '../rows/rows.js';
import { jobFinder, keysOfJob } from '../rows/run-and-job-rows.js';
import type { RunsTable } from '../schema/schema.js';
import { query, type Transaction } from '../schema/statement.js';

/** Lists runs, last updated first. */
export function listRuns(dialect: SqlDialect) {
  const { db } = dialect;
  const keysOf = keysOfJob(dialect);
  return function* (filter: RunFilter, page: PageRequest): Transaction<Page<RunSummary>> {
    const { source, jobKey, outcome } = filter;
    const limit = itemsOf(page);
    let list = db
      .selectFrom('runs')
      .selectAll()
      .orderBy('updated_at', 'desc')
      .orderBy('source', 'desc')
      .orderBy('account_id', 'desc')
      .orderBy('run_id', 'desc')
      .limit(limit + 1);
    if (page.after !== undefined) {
      const [updatedAt, ...key] = readCursor(page.after);
      // The first condition lets the engine begin at the cursor.
      list = list
        .where('updated_at', '<=', updatedAt)
        .where((eb) =>
          eb.or([
            eb('updated_at', '<', updatedAt),
            eb.and([
              eb('updated_at', '=', updatedAt),
              eb(eb.refTuple('source', 'account_id', 'run_id'), '<', eb.tuple(...key)),
            ]),
          ]),
        );
    }
    // In no index: by the one of keys, the engine would read and sort all runs of the source.
    const isOfSource = (wanted: string) => sql<SqlBool>`source || '' = ${wanted}`;
    if (source !== undefined)
      list = jobKey === undefined ? list.where(isOfSource(source)) : list.where('source', '=', source);
    if (jobKey !== undefined) {
      const [key, ...aliases] = source === undefined ? [jobKey] : yield* keysOf({ source, jobKey });
      // With one key, the engine reads the runs from the index in order.
      list = aliases.length > 0 ? list.where('job_key', 'in', [key, ...aliases]) : list.where('job_key', '=', key);
    }
    if (outcome !== undefined) list = list.where('outcome', '=', outcome);
    return pageOf(yield* query(list), limit, toRunSummary, cursorOf);
  };
}

/** Finds a run. */
export function findRun({ db }: SqlDialect) {
  return function* ({ source, accountId, runId }: RunKey): Transaction<RunSummary | undefined> {
    const find = db
      .selectFrom('runs')
      .selectAll()
      .where('source', '=', source)
      .where('account_id', '=', accountId)
      .where('run_id', '=', runId);
    const [row] = yield* query(find);
    return row && toRunSummary(row);
  };
}

/** Finds the state of a job by its key or by an alias. */
export function findJob(dialect: SqlDialect): (key: JobKey) => Transaction<JobState | undefined> {
  const find = jobFinder(dialect);
  return function* (key) {
    const [row] = yield* find(key);
    return row && toJobState(row);
  };
}

type Cursor = readonly [updatedAt: number, source: string, accountId: string, runId: string];

/** Returns a cursor of time and key, because many runs can be updated in one millisecond. */
function cursorOf({ updated_at, source, account_id, run_id }: RunsTable): string {
  return JSON.stringify([updated_at, source, account_id, run_id] satisfies Cursor);
}

/** Parses a cursor. An invalid cursor leads to an empty page. */
function readCursor(cursor: string): Cursor {
  try {
    const [updatedAt, source, accountId, runId] = JSON.parse(cursor) as unknown[];
    return [Number.isSafeInteger(updatedAt) ? Number(updatedAt) : 0, String(source), String(accountId), String(runId)];
  } catch {
    return [0, '', '', ''];
  }
}
