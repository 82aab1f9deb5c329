import { sql, type ColumnDefinitionBuilder, type Kysely } from 'kysely';
import type { ColumnTypes } from './column-types.js';
import { createDueIndex } from './due-index.js';

/** Indexes due work by source, and deliveries by handler first, because claims take turns over sources. */
export async function takeTurns(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  const unknown = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.notNull().defaultTo('');
  const none = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.notNull().defaultTo(0);
  await db.schema.alterTable('deliveries').addColumn('source', text, unknown).execute();
  await db.schema.alterTable('deliveries').addColumn('in_lane', 'integer', none).execute();
  // Only deliveries that can still become due: no query selects other deliveries by these columns.
  await sql`update deliveries set source = (select source from events where events.id = deliveries.event_id),
    in_lane = case when lane is null then 0 else 1 end
    where (due_at is not null or state = 'dead')
    and exists (select 1 from events where events.id = deliveries.event_id)`.execute(db);
  await db.schema.dropIndex('messages_due').execute();
  await db.schema.dropIndex('deliveries_due').execute();
  await createDueIndex(db, 'messages', ['source', 'due_at', 'id']);
  await createDueIndex(db, 'deliveries', ['handler_id', 'source', 'in_lane', 'due_at', 'seq']);
}
