import { sql, type Kysely } from 'kysely';
import { AT_ONCE } from './due.js';

/** Adds what limits the effect of a wrong clock: a part of the migration `0002_notes_and_audit`. */
export async function surviveWrongClocks(db: Kysely<unknown>): Promise<void> {
  // Waiting messages are due by any clock, and are claimed in the order of their ids.
  await sql`update messages set due_at = ${sql.lit(AT_ONCE)} where due_at is not null and lease is null`.execute(db);
  await db.schema
    .alterTable('processes')
    .addColumn('clock_ahead_ms', 'bigint', (column) => column.notNull().defaultTo(0))
    .execute();
  await createClock(db);
}

/** Creates the table with the single row of what the inbox knows about the time. */
async function createClock(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('clock')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('seen_at', 'bigint', (column) => column.notNull())
    .addColumn('jumped_at', 'bigint')
    .addColumn('jump_ms', 'bigint')
    .addColumn('hour_from', 'bigint')
    .addColumn('hour_rows', 'integer', (column) => column.notNull())
    .addColumn('hour_rows_max', 'integer', (column) => column.notNull())
    .execute();
}
