import { scopeObject, type NodeSelection, type NodeSummary, type Page, type PageRequest } from 'nestjs-runhooks/core';
import { sql, type SqlBool } from 'kysely';
import { itemsOf, pageOf } from '../rows/pages.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { NodesTable } from '../schema/provider-tables.js';
import { query, type Transaction } from '../schema/statement.js';
import { toNodeState } from './node-rows.js';

/** Lists nodes that have failed, last observed first. An incident that no run has observed since a time has ended. */
export function listNodes({ db }: SqlDialect) {
  return function* (
    { source, nodeId, hasIncident }: NodeSelection,
    page: PageRequest,
    observedSince: Date,
  ): Transaction<Page<NodeSummary>> {
    const since = observedSince.getTime();
    const limit = itemsOf(page);
    let list = db
      .selectFrom('nodes')
      .selectAll()
      .orderBy('observed_at', 'desc')
      .orderBy('source', 'desc')
      .orderBy('scope', 'desc')
      .orderBy('node_id', 'desc')
      .limit(limit + 1);
    if (page.after !== undefined) {
      const [observedAt, ...key] = readCursor(page.after);
      // The first condition lets the engine begin at the cursor.
      list = list
        .where('observed_at', '<=', observedAt)
        .where((eb) =>
          eb.or([
            eb('observed_at', '<', observedAt),
            eb.and([
              eb('observed_at', '=', observedAt),
              eb(eb.refTuple('source', 'scope', 'node_id'), '<', eb.tuple(...key)),
            ]),
          ]),
        );
    }
    // In no index: by the one of keys, the engine would read and sort all nodes of the source.
    if (source !== undefined) list = list.where(sql<SqlBool>`source || '' = ${source}`);
    if (nodeId !== undefined) list = list.where('node_id', '=', nodeId);
    if (hasIncident === true) list = list.where('incident', 'is not', null).where('observed_at', '>=', since);
    if (hasIncident === false) {
      list = list.where((eb) => eb.or([eb('incident', 'is', null), eb('observed_at', '<', since)]));
    }
    return pageOf(yield* query(list), limit, (row) => toSummary(row, since), cursorOf);
  };
}

function toSummary(row: NodesTable, since: number): NodeSummary {
  const { source, scope, node_id: nodeId } = row;
  const { incident, ...state } = toNodeState(row);
  const isOpen = incident !== undefined && row.observed_at >= since;
  return { source, scope, nodeId, scopeParts: scopeObject(scope), ...state, ...(isOpen && { incident }) };
}

type Cursor = readonly [observedAt: number, source: string, scope: string, nodeId: string];

/** Returns a cursor of time and key, because a step observes many nodes at one time. */
function cursorOf({ observed_at, source, scope, node_id }: NodesTable): string {
  return JSON.stringify([observed_at, source, scope, node_id] satisfies Cursor);
}

/** Parses a cursor. An invalid cursor leads to an empty page. */
function readCursor(cursor: string): Cursor {
  try {
    const [observedAt, source, scope, nodeId] = JSON.parse(cursor) as unknown[];
    return [Number.isSafeInteger(observedAt) ? Number(observedAt) : 0, String(source), String(scope), String(nodeId)];
  } catch {
    return [0, '', '', ''];
  }
}
