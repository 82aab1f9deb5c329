import { parseDated, placeOf, type Incident, type NodeKey, type NodeState } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { columnsOf, type NewRow } from '../schema/new-row.js';
import type { NodesTable } from '../schema/provider-tables.js';
import { change, statement, type Transaction } from '../schema/statement.js';

/** Finds the states of nodes of one scope, by id. */
export function nodeFinder({
  db,
  list,
  isOneOf,
}: SqlDialect): (source: string, scope: string, nodeIds: readonly string[]) => Transaction<Map<string, NodeState>> {
  const find = statement<{ source: string; scope: string; ids: string }, NodesTable>((value) =>
    db
      .selectFrom('nodes')
      .selectAll()
      .where('source', '=', value('source'))
      .where('scope', '=', value('scope'))
      .where((eb) => isOneOf(eb.ref('node_id'), value('ids'))),
  );
  return function* (source, scope, nodeIds) {
    if (nodeIds.length === 0) return new Map();
    const rows = yield* find({ source, scope, ids: list(nodeIds) });
    return new Map(rows.map((row) => [row.node_id, toNodeState(row)]));
  };
}

/** Saves states of nodes by one statement, in the order of their ids. */
export function nodeSaver({ db, list, given }: SqlDialect): (rows: readonly NewRow<'nodes'>[]) => Transaction<void> {
  const columns = columnsOf('nodes');
  const save = change<{ rows: string }>((value) =>
    db
      .insertInto('nodes')
      .columns([...columns])
      .expression((eb) =>
        eb
          .selectFrom(given<NewRow<'nodes'>>(value('rows'), columns))
          .select((from) => columns.map((column) => from.ref(`given.${column}`).as(column)))
          // Without a condition, SQLite would read the conflict as part of a join.
          .where(eb.lit(true)),
      )
      .onConflict((conflict) =>
        conflict.columns(['source', 'scope', 'node_id']).doUpdateSet((eb) => ({
          place: eb.ref('excluded.place'),
          latest_success_at: eb.ref('excluded.latest_success_at'),
          observed_at: eb.ref('excluded.observed_at'),
          incident: eb.ref('excluded.incident'),
          history: eb.ref('excluded.history'),
        })),
      ),
  );
  return function* (rows) {
    if (rows.length === 0) return;
    yield* save({ rows: list([...rows].sort((a, b) => (a.node_id < b.node_id ? -1 : 1))) });
  };
}

export function nodeRow({ source, scope, nodeId }: NodeKey, state: NodeState): NewRow<'nodes'> {
  return {
    source,
    scope,
    node_id: nodeId,
    place: placeOf(scope),
    latest_success_at: state.latestSuccessAt?.getTime() ?? null,
    observed_at: state.observedAt.getTime(),
    incident: state.incident ? JSON.stringify(state.incident) : null,
    history: JSON.stringify(state.history),
  };
}

export function toNodeState(row: NodesTable): NodeState {
  return {
    history: parseDated<NodeState['history']>(row.history),
    observedAt: new Date(row.observed_at),
    ...(row.latest_success_at !== null && { latestSuccessAt: new Date(row.latest_success_at) }),
    ...(row.incident !== null && { incident: parseDated<Incident>(row.incident) }),
  };
}
