import type { Decision, NodeKey } from 'nestjs-runhooks/core';
import { recordDecision } from '../rows/record-decision.js';
import type { SqlDialect } from '../schema/dialect.js';
import { change, type Transaction } from '../schema/statement.js';
import { placeLock } from './place-lock.js';

/** Ends the open incident of a node. Returns whether it had one. */
export function closeIncident(
  dialect: SqlDialect,
): (node: NodeKey, decision: Required<Decision>, now: Date) => Transaction<boolean> {
  const recordDecided = recordDecision(dialect);
  const close = change<NodeKey>((value) =>
    dialect.db
      .updateTable('nodes')
      .set({ incident: null })
      .where('source', '=', value('source'))
      .where('scope', '=', value('scope'))
      .where('node_id', '=', value('nodeId'))
      .where('incident', 'is not', null),
  );
  return function* ({ source, scope, nodeId }, decision, now) {
    // A step that has read the incident would write it again.
    yield* dialect.locks.takeAll([placeLock({ source, scope })]);
    const closed = yield* close({ source, scope, nodeId });
    yield* recordDecided('close', decision, closed, now);
    return closed > 0;
  };
}
