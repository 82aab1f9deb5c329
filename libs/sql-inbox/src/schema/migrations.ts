import { sql, type ColumnDefinitionBuilder, type Kysely, type Migration } from 'kysely';
import { surviveWrongClocks } from './clock-migration.js';
import type { ColumnTypes } from './column-types.js';
import { createDueIndex } from './due-index.js';
import { takeTurns } from './migration-turns.js';

/** Migrations of the schema, oldest first. A released migration is never edited; a new one is added below it. */
export const migrationsFor = (types: ColumnTypes): Readonly<Record<string, Migration>> => ({
  '0001_inbox': {
    async up(db: Kysely<unknown>) {
      await createMessageKeys(db, types);
      await createMessages(db, types);
      await createJobs(db, types);
      await createRuns(db, types);
      await createEvents(db, types);
      await createDeliveries(db, types);
      await createAttempts(db, types);
      await createTasks(db, types);
      await createBarriers(db, types);
      await createProcesses(db, types);
      await createHandlers(db, types);
    },
  },
  '0002_notes_and_audit': {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('messages').addColumn('notes', types.text).execute();
      await surviveWrongClocks(db);
      await createAudit(db, types);
      await createRefusals(db, types);
      await addAbandoned(db, types);
      await takeTurns(db, types);
    },
  },
});

const notNull = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.notNull();
const primaryKey = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.primaryKey();

async function createMessageKeys(db: Kysely<unknown>, { text, bytes }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('message_keys')
    .addColumn('source', text, notNull)
    .addColumn('message_key', text, notNull)
    .addColumn('digest', bytes, notNull)
    .addColumn('message_id', text, notNull)
    .addPrimaryKeyConstraint('message_keys_once', ['source', 'message_key', 'digest'])
    .execute();
  await db.schema.createIndex('message_keys_message').on('message_keys').column('message_id').execute();
}

async function createMessages(db: Kysely<unknown>, { text, bytes }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('messages')
    .addColumn('id', text, primaryKey)
    .addColumn('source', text, notNull)
    .addColumn('provider', text, notNull)
    .addColumn('message_key', text, notNull)
    .addColumn('headers', text, notNull)
    .addColumn('body', bytes, notNull)
    .addColumn('received_at', 'bigint', notNull)
    .addColumn('state', text, notNull)
    .addColumn('message_type', text)
    .addColumn('account_id', text)
    .addColumn('run_id', text)
    .addColumn('reason', text)
    .addColumn('id_reused', 'integer', notNull)
    .addColumn('claims', 'integer', notNull)
    .addColumn('without_handlers', 'integer', notNull)
    .addColumn('due_at', 'bigint')
    .addColumn('lease', text)
    .execute();
  await createDueIndex(db, 'messages');
  await db.schema
    .createIndex('messages_rare')
    .on('messages')
    .columns(['state', 'id'])
    .where(sql.ref('state'), 'not in', sql`('stored', 'parsed')`)
    .execute();
  await db.schema
    .createIndex('messages_run')
    .on('messages')
    .columns(['source', 'account_id', 'run_id'])
    .where(sql.ref('run_id'), 'is not', null)
    .execute();
}

async function createJobs(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('jobs')
    .addColumn('source', text, notNull)
    .addColumn('job_key', text, notNull)
    .addColumn('latest_success_at', 'bigint')
    .addColumn('incident', text)
    .addColumn('updated_at', 'bigint', notNull)
    .addPrimaryKeyConstraint('jobs_key', ['source', 'job_key'])
    .execute();
}

async function createRuns(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('runs')
    .addColumn('source', text, notNull)
    .addColumn('account_id', text, notNull)
    .addColumn('run_id', text, notNull)
    .addColumn('job_key', text, notNull)
    .addColumn('outcome', text)
    .addColumn('contradicted', 'integer', notNull)
    .addColumn('types', text, notNull)
    .addColumn('started_at', 'bigint')
    .addColumn('finished_at', 'bigint')
    .addColumn('updated_at', 'bigint', notNull)
    .addPrimaryKeyConstraint('runs_key', ['source', 'account_id', 'run_id'])
    .execute();
  await db.schema.createIndex('runs_updated').on('runs').column('updated_at').execute();
  await db.schema.createIndex('runs_job').on('runs').columns(['source', 'job_key', 'updated_at']).execute();
}

async function createEvents(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('events')
    .addColumn('id', text, primaryKey)
    .addColumn('type', text, notNull)
    .addColumn('source', text, notNull)
    .addColumn('provider', text, notNull)
    .addColumn('message_id', text, notNull)
    .addColumn('occurred_at', 'bigint', notNull)
    .addColumn('recorded_at', 'bigint', notNull)
    .addColumn('data', text, notNull)
    .execute();
  await db.schema.createIndex('events_message').on('events').column('message_id').execute();
  await db.schema.createIndex('events_recorded').on('events').columns(['recorded_at', 'id']).execute();
}

async function createDeliveries(db: Kysely<unknown>, { text, counter, counted }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('deliveries')
    .addColumn('seq', counter, (column) => counted(column).primaryKey())
    .addColumn('id', text, (column) => column.notNull().unique())
    .addColumn('event_id', text, notNull)
    .addColumn('handler_id', text, notNull)
    .addColumn('replay_id', text, notNull)
    .addColumn('lane', text)
    .addColumn('state', text, notNull)
    .addColumn('attempts', 'integer', notNull)
    .addColumn('attempts_before', 'integer', notNull)
    .addColumn('due_at', 'bigint')
    .addColumn('lease', text)
    .addColumn('dismissal', text)
    .execute();
  await db.schema
    .createIndex('deliveries_once')
    .unique()
    .on('deliveries')
    .columns(['event_id', 'handler_id', 'replay_id'])
    .execute();
  await createDueIndex(db, 'deliveries');
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
    .addColumn('message_id', text, notNull)
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

/** One row per running process. The table is so small that it needs no index but its key. */
async function createProcesses(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('processes')
    .addColumn('id', text, primaryKey)
    .addColumn('role', text, notNull)
    .addColumn('label', text, notNull)
    .addColumn('handlers', text, notNull)
    .addColumn('started_at', 'bigint', notNull)
    .addColumn('seen_at', 'bigint', notNull)
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

/** Has a default, because registrations of the previous version do not set the column. */
async function addAbandoned(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  const none = (column: ColumnDefinitionBuilder): ColumnDefinitionBuilder => column.notNull().defaultTo('[]');
  await db.schema.alterTable('processes').addColumn('abandoned', text, none).execute();
}
