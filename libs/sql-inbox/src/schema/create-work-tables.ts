import { sql, type Kysely } from 'kysely';
import { notNull, primaryKey, type ColumnTypes } from './column-types.js';
import { createDueIndex } from './due-index.js';

/** Creates the tables of events, and of what follows from them. */
export async function createWorkTables(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await createEvents(db, types);
  await createDeliveries(db, types);
  await createAttempts(db, types);
  await createTasks(db, types);
  await createBarriers(db, types);
}

async function createEvents(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('events')
    .addColumn('id', text, primaryKey)
    .addColumn('type', text, notNull)
    .addColumn('source', text, notNull)
    .addColumn('provider', text, notNull)
    .addColumn('message_id', text)
    .addColumn('occurred_at', 'bigint', notNull)
    .addColumn('recorded_at', 'bigint', notNull)
    .addColumn('data', text, notNull)
    .execute();
  await db.schema
    .createIndex('events_message')
    .on('events')
    .column('message_id')
    .where(sql.ref('message_id'), 'is not', null)
    .execute();
  await db.schema.createIndex('events_recorded').on('events').columns(['recorded_at', 'id']).execute();
  await db.schema
    .createIndex('events_alone')
    .on('events')
    .columns(['recorded_at', 'id'])
    .where(sql.ref('message_id'), 'is', null)
    .execute();
}

async function createDeliveries(db: Kysely<unknown>, { text, counter, counted }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('deliveries')
    .addColumn('seq', counter, (column) => counted(column).primaryKey())
    .addColumn('id', text, (column) => column.notNull().unique())
    .addColumn('event_id', text, notNull)
    .addColumn('handler_id', text, notNull)
    .addColumn('source', text, notNull)
    .addColumn('replay_id', text, notNull)
    .addColumn('lane', text)
    .addColumn('in_lane', 'integer', notNull)
    .addColumn('state', text, notNull)
    .addColumn('attempts', 'integer', notNull)
    .addColumn('attempts_before', 'integer', notNull)
    .addColumn('due_at', 'bigint')
    .addColumn('lease', text)
    .addColumn('started_at', 'bigint')
    .addColumn('finished_at', 'bigint')
    .addColumn('dismissal', text)
    .addColumn('waiting_for', text)
    .addColumn('waiting_since', 'bigint')
    .execute();
  await db.schema
    .createIndex('deliveries_once')
    .unique()
    .on('deliveries')
    .columns(['event_id', 'handler_id', 'replay_id'])
    .execute();
  // Claims take turns over the sources of each handler.
  await createDueIndex(db, 'deliveries', ['handler_id', 'source', 'in_lane', 'due_at', 'seq']);
  await db.schema
    .createIndex('deliveries_lane')
    .on('deliveries')
    .columns(['lane', 'seq'])
    .where(sql.ref('lane'), 'is not', null)
    .where(sql.ref('due_at'), 'is not', null)
    .execute();
  await db.schema
    .createIndex('deliveries_lane_held')
    .on('deliveries')
    .column('lane')
    .where(sql.ref('lane'), 'is not', null)
    .where(sql.ref('lease'), 'is not', null)
    .execute();
  await db.schema
    .createIndex('deliveries_rare')
    .on('deliveries')
    .columns(['state', 'id'])
    .where(sql.ref('state'), 'not in', sql`('pending', 'succeeded')`)
    .execute();
}

async function createAttempts(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('attempts')
    .addColumn('delivery_id', text, notNull)
    .addColumn('attempt', 'integer', notNull)
    .addColumn('started_at', 'bigint', notNull)
    .addColumn('finished_at', 'bigint', notNull)
    .addColumn('outcome', text, notNull)
    .addColumn('error_name', text)
    .addColumn('error_message', text)
    .addColumn('error_stack', text)
    .addPrimaryKeyConstraint('attempts_key', ['delivery_id', 'attempt'])
    .execute();
}

async function createTasks(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('tasks')
    .addColumn('id', text, primaryKey)
    .addColumn('kind', text, notNull)
    .addColumn('handler_id', text, notNull)
    .addColumn('source', text, notNull)
    .addColumn('provider', text, notNull)
    .addColumn('message_id', text)
    .addColumn('data', text, notNull)
    .addColumn('claims', 'integer', notNull)
    .addColumn('due_at', 'bigint', notNull)
    .addColumn('lease', text)
    .execute();
  await db.schema.createIndex('tasks_due').on('tasks').column('due_at').execute();
  await db.schema.createIndex('tasks_message').on('tasks').column('message_id').execute();
}

async function createBarriers(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('barriers')
    .addColumn('name', text, primaryKey)
    .addColumn('waiting', text, notNull)
    .addColumn('updated_at', 'bigint', notNull)
    .execute();
  await db.schema.createIndex('barriers_updated').on('barriers').column('updated_at').execute();
}
