import type { SqlDialect } from '../schema/dialect.js';
import { hasKeyIn } from '../schema/has-key-in.js';
import type { ActionsTable } from '../schema/provider-tables.js';
import { statement, type Transaction } from '../schema/statement.js';
import { addToSeries } from '../series/add-to-series.js';

const KEY = ['source', 'action_key'] as const;
type Key = Pick<ActionsTable, (typeof KEY)[number]>;

interface Old {
  readonly before: number;
  readonly limit: number;
}

/**
 * Removes actions that last changed before a time, unless an attempt may still hold them, or the event is kept that led to them: its
 * delivery could be attempted again, and would make the call again.
 */
export function actionRemover(dialect: SqlDialect): (old: Old) => Transaction<number> {
  const { db, list, skippingLocked } = dialect;
  const find = statement<Old, Key>((value) =>
    skippingLocked(
      db
        .selectFrom('actions')
        .select(KEY)
        .where('updated_at', '<', value('before'))
        .where((eb) => eb.or([eb('lease', 'is', null), eb('due_at', '<', value('before'))]))
        .where((eb) =>
          eb.not(eb.exists(eb.selectFrom('events').select('events.id').whereRef('events.id', '=', 'actions.event_id'))),
        )
        .orderBy('updated_at')
        .limit(value('limit')),
    ),
  );
  const remove = statement<{ keys: string }, Pick<ActionsTable, 'source' | 'state'>>((value) =>
    db
      .deleteFrom('actions')
      .where(hasKeyIn<Key>(dialect, value('keys'), KEY))
      .returning(['source', 'state']),
  );
  const count = addToSeries(dialect);
  return function* (old) {
    const found = yield* find(old);
    if (found.length === 0) return 0;
    const removed = yield* remove({ keys: list(found) });
    yield* count(
      removed.flatMap(({ source, state }) =>
        state === 'answered' || state === 'refused' ? [{ kind: `actions.${state}` as const, source, amount: -1 }] : [],
      ),
    );
    return removed.length;
  };
}
