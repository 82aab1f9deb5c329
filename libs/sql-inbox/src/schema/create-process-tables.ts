import { sql, type Kysely } from 'kysely';
import { notNull, primaryKey, type ColumnTypes } from './column-types.js';

/** Creates the tables of processes, of what they have in common, and of what operators decided. */
export async function createProcessTables(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await createProcesses(db, types);
  await createHandlers(db, types);
  await createClock(db);
  await createAudit(db, types);
  await createRefusals(db, types);
  await createSeries(db, types);
}

/** One row per running process. The table is so small that it needs no index but its key. */
async function createProcesses(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('processes')
    .addColumn('id', text, primaryKey)
    .addColumn('role', text, notNull)
    .addColumn('label', text, notNull)
    .addColumn('host', text, notNull)
    .addColumn('pid', 'integer', notNull)
    .addColumn('lease', text)
    .addColumn('handlers', text, notNull)
    .addColumn('abandoned', text, notNull)
    .addColumn('started_at', 'bigint', notNull)
    .addColumn('seen_at', 'bigint', notNull)
    .addColumn('clock_ahead_ms', 'bigint', notNull)
    .execute();
}

/** One row per handler of the app. */
async function createHandlers(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('handlers')
    .addColumn('id', text, primaryKey)
    .addColumn('version', text, notNull)
    .addColumn('subscriptions', text, notNull)
    .addColumn('since', 'bigint', notNull)
    .addColumn('seen_at', 'bigint', notNull)
    .execute();
}

/** A single row of what the inbox knows about the time. */
async function createClock(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('clock')
    .addColumn('id', 'integer', primaryKey)
    .addColumn('seen_at', 'bigint', notNull)
    .addColumn('jumped_at', 'bigint')
    .addColumn('jump_ms', 'bigint')
    .addColumn('hour_from', 'bigint')
    .addColumn('hour_rows', 'integer', notNull)
    .addColumn('hour_rows_max', 'integer', notNull)
    .execute();
}

/** One row per decision of an operator. */
async function createAudit(db: Kysely<unknown>, { text, counter, counted }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('audit')
    .addColumn('seq', counter, (column) => counted(column).primaryKey())
    .addColumn('id', text, (column) => column.notNull().unique())
    .addColumn('decided_at', 'bigint', notNull)
    .addColumn('action', text, notNull)
    .addColumn('actor', text, notNull)
    .addColumn('reason', text)
    .addColumn('details', text, notNull)
    .addColumn('affected', 'integer', notNull)
    .execute();
  await db.schema.createIndex('audit_decided').on('audit').column('decided_at').execute();
}

/** One row per source and signature check that ever rejected a request. */
async function createRefusals(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('refusals')
    .addColumn('source', text, notNull)
    .addColumn('signature_check', text, notNull)
    .addColumn('requests', 'bigint', notNull)
    .addColumn('latest_at', 'bigint', notNull)
    .addPrimaryKeyConstraint('refusals_key', ['source', 'signature_check'])
    .execute();
}

/** One row per minute, source, kind and process that counted something. Rows of processes are few, and a purge finds them. */
async function createSeries(db: Kysely<unknown>, { text, inKey }: ColumnTypes): Promise<void> {
  const table = db.schema
    .createTable('series')
    .addColumn('minute', 'bigint', notNull)
    .addColumn('source', text, notNull)
    .addColumn('kind', text, notNull)
    .addColumn('process_id', text, notNull)
    .addColumn('amount', 'bigint', notNull)
    .addPrimaryKeyConstraint('series_key', ['minute', 'source', 'kind', 'process_id']);
  await inKey(table).execute();
  await db.schema
    .createIndex('series_process')
    .on('series')
    .column('process_id')
    .where(sql.ref('process_id'), '<>', sql`''`)
    .execute();
}
