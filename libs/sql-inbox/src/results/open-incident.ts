import { placeOf, type ScopeKey } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import type { NodesTable } from '../schema/provider-tables.js';
import { statement, type Transaction } from '../schema/statement.js';

/** Returns whether a place has an open incident that a run has observed since a time. */
export function incidentFinder({ db }: SqlDialect): (scope: ScopeKey, observedSince: Date) => Transaction<boolean> {
  const find = statement<Pick<NodesTable, 'source' | 'place'> & { since: number }, { node_id: string }>((value) =>
    db
      .selectFrom('nodes')
      .select('node_id')
      .where('source', '=', value('source'))
      .where('place', '=', value('place'))
      .where('observed_at', '>=', value('since'))
      .where('incident', 'is not', null)
      .limit(1),
  );
  return function* ({ source, scope }, observedSince) {
    return (yield* find({ source, place: placeOf(scope), since: observedSince.getTime() })).length > 0;
  };
}
