import {
  parseDated,
  placeOf,
  type NodeResult,
  type Page,
  type PageRequest,
  type RunKey,
  type ScopeKey,
} from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';
import { itemsOf, pageOf } from '../rows/pages.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { NodesTable, ResultNodesTable, ResultsTable } from '../schema/provider-tables.js';
import { query, statement, type Transaction } from '../schema/statement.js';
import { runColumns, type RunColumns } from './result-rows.js';

/** Reads failed and warned nodes of a run, and only the parts that have them. */
export function readFailing({
  db,
}: SqlDialect): (run: RunKey, from: number, limit: number) => Transaction<NodeResult[]> {
  const find = statement<RunColumns & { first: number; last: number }, Pick<ResultNodesTable, 'nodes'>>((value) =>
    db
      .selectFrom('result_nodes')
      .select('nodes')
      .where('source', '=', value('source'))
      .where('account_id', '=', value('account_id'))
      .where('run_id', '=', value('run_id'))
      .where('part', '>=', value('first'))
      .where('part', '<=', value('last'))
      .orderBy('part'),
  );
  return function* (run, from, limit) {
    if (limit <= 0) return [];
    const size = SQL_LIMITS.resultNodesPerPart;
    const first = Math.floor(from / size);
    const rows = yield* find({ ...runColumns(run), first, last: Math.floor((from + limit - 1) / size) });
    const start = from - first * size;
    return rows.flatMap(({ nodes }) => parseDated<NodeResult[]>(nodes)).slice(start, start + limit);
  };
}

/** Finds the ids of the nodes of a scope that have a state. */
export function findTrackedNodes({ db }: SqlDialect): (scope: ScopeKey) => Transaction<string[]> {
  const find = statement<ScopeKey, Pick<NodesTable, 'node_id'>>((value) =>
    db
      .selectFrom('nodes')
      .select('node_id')
      .where('source', '=', value('source'))
      .where('scope', '=', value('scope'))
      .orderBy('node_id'),
  );
  return function* ({ source, scope }) {
    return (yield* find({ source, scope })).map(({ node_id }) => node_id);
  };
}

/** Lists runs of a place whose results are unread, those that ended first first. */
export function listUnread({ db }: SqlDialect) {
  return function* ({ source, scope }: ScopeKey, after: Date, page: PageRequest): Transaction<Page<RunKey>> {
    const limit = itemsOf(page);
    let list = db
      .selectFrom('results')
      .select(['source', 'account_id', 'run_id', 'finished_at'])
      .where('source', '=', source)
      .where('scope', '=', placeOf(scope))
      .where('state', '=', 'unread')
      .orderBy('finished_at')
      .orderBy('account_id')
      .orderBy('run_id')
      .limit(limit + 1);
    if (page.after === undefined) list = list.where('finished_at', '>', after.getTime());
    else {
      const cursor = readCursor(page.after);
      list = list
        .where('finished_at', '>=', cursor[0])
        .where((eb) => eb(eb.refTuple('finished_at', 'account_id', 'run_id'), '>', eb.tuple(...cursor)));
    }
    return pageOf(yield* query(list), limit, toRunKey, cursorOf);
  };
}

type Unread = Pick<ResultsTable, 'source' | 'account_id' | 'run_id' | 'finished_at'>;
type Cursor = readonly [finishedAt: number, accountId: string, runId: string];

function toRunKey({ source, account_id: accountId, run_id: runId }: Unread): RunKey {
  return { source, accountId, runId };
}

/** Returns a cursor of time and key, because many runs can end in one millisecond. */
function cursorOf({ finished_at, account_id, run_id }: Unread): string {
  return JSON.stringify([finished_at, account_id, run_id] satisfies Cursor);
}

/** Parses a cursor that {@link cursorOf} has returned. */
function readCursor(cursor: string): Cursor {
  return JSON.parse(cursor) as Cursor;
}
