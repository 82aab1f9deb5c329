import type { SqlDialect } from '../schema/dialect.js';
import { hasKeyIn } from '../schema/has-key-in.js';
import type { NodesTable, ResultsTable } from '../schema/provider-tables.js';
import { change, statement, type Transaction } from '../schema/statement.js';

const RUN = ['source', 'account_id', 'run_id'] as const;
type Run = Pick<ResultsTable, (typeof RUN)[number]>;
const NODE = ['source', 'scope', 'node_id'] as const;
type Node = Pick<NodesTable, (typeof NODE)[number]>;

interface Old {
  readonly before: number;
  readonly limit: number;
}

/**
 * Removes results that last changed before a time, with their nodes, once the messages of their run are purged: as long as a
 * delivery can use them, its message stays. Rows that another transaction has locked wait for the next step.
 */
export function resultsRemover(dialect: SqlDialect): (old: Old) => Transaction<number> {
  const { db, list, skippingLocked } = dialect;
  const find = statement<Old, Run>((value) =>
    skippingLocked(
      db
        .selectFrom('results')
        .select(RUN)
        .where('updated_at', '<', value('before'))
        .where((eb) =>
          eb.not(
            eb.exists(
              eb
                .selectFrom('messages')
                .select('messages.id')
                .whereRef('messages.source', '=', 'results.source')
                .whereRef('messages.account_id', '=', 'results.account_id')
                .whereRef('messages.run_id', '=', 'results.run_id'),
            ),
          ),
        )
        .orderBy('updated_at')
        .limit(value('limit')),
    ),
  );
  const removeFrom = (table: 'results' | 'result_nodes') =>
    change<{ runs: string }>((value) => db.deleteFrom(table).where(hasKeyIn<Run>(dialect, value('runs'), RUN)));
  const removeNodes = removeFrom('result_nodes');
  const removeResults = removeFrom('results');
  return function* (old) {
    const found = yield* find(old);
    if (found.length === 0) return 0;
    const runs = list(found);
    yield* removeNodes({ runs });
    return yield* removeResults({ runs });
  };
}

/** Removes the ids of nodes that did not fail from results that last changed before a time. */
export function goodRemover(dialect: SqlDialect): (old: Old) => Transaction<void> {
  const { db, list, skippingLocked } = dialect;
  const find = statement<Old, Run>((value) =>
    skippingLocked(
      db
        .selectFrom('results')
        .select(RUN)
        .where('updated_at', '<', value('before'))
        .where('good', 'is not', null)
        .orderBy('updated_at')
        .limit(value('limit')),
    ),
  );
  const forget = change<{ runs: string }>((value) =>
    db
      .updateTable('results')
      .set({ good: null, skipped: null })
      .where(hasKeyIn<Run>(dialect, value('runs'), RUN)),
  );
  return function* (old) {
    const found = yield* find(old);
    if (found.length > 0) yield* forget({ runs: list(found) });
  };
}

/** Removes nodes that no run has observed since a time. Their incidents end with them. */
export function nodeRemover(dialect: SqlDialect): (old: Old) => Transaction<number> {
  const { db, list, skippingLocked } = dialect;
  const find = statement<Old, Node>((value) =>
    skippingLocked(
      db
        .selectFrom('nodes')
        .select(NODE)
        .where('observed_at', '<', value('before'))
        .orderBy('observed_at')
        .limit(value('limit')),
    ),
  );
  const remove = change<{ nodes: string }>((value) =>
    db.deleteFrom('nodes').where(hasKeyIn<Node>(dialect, value('nodes'), NODE)),
  );
  return function* (old) {
    const found = yield* find(old);
    return found.length === 0 ? 0 : yield* remove({ nodes: list(found) });
  };
}
