import type { RoundRegistration } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import type { SourcesTable } from '../schema/provider-tables.js';
import { change, statement, type Transaction } from '../schema/statement.js';

/**
 * Registers sources and their rounds, and returns when each source was first registered. Existing rounds stay as they are. A
 * source whose first registration would be in the future was registered by a clock that was ahead: all that ended until then
 * would be history.
 */
export function registerRounds({
  db,
}: SqlDialect): (registrations: readonly RoundRegistration[], now: Date) => Transaction<Date[]> {
  const addSource = change<NewRow<'sources'>>((value) =>
    db
      .insertInto('sources')
      .values(newRow('sources', value))
      .onConflict((conflict) =>
        conflict
          .column('name')
          .doUpdateSet((eb) => ({ since: eb.ref('excluded.since') }))
          .whereRef('sources.since', '>', 'excluded.since'),
      ),
  );
  const addRound = change<NewRow<'rounds'>>((value) =>
    db
      .insertInto('rounds')
      .values(newRow('rounds', value))
      .onConflict((conflict) => conflict.columns(['source', 'kind']).doNothing()),
  );
  const find = statement<{ name: string }, Pick<SourcesTable, 'since'>>((value) =>
    db.selectFrom('sources').select('since').where('name', '=', value('name')),
  );
  return function* (registrations, now) {
    const at = now.getTime();
    // The same order in all processes prevents deadlocks.
    const sorted = [...registrations].sort((a, b) => (a.source < b.source ? -1 : 1));
    const since = new Map<string, Date>();
    for (const { source, kinds } of sorted) {
      yield* addSource({ name: source, since: at });
      for (const kind of [...kinds].sort()) yield* addRound({ source, kind, failures: 0, due_at: at });
      const [row] = yield* find({ name: source });
      since.set(source, new Date(row?.since ?? at));
    }
    return registrations.map(({ source }) => since.get(source) ?? now);
  };
}
