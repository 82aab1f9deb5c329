import { sql, type Kysely, type Migration } from 'kysely';

/** The schema's history. A migration that was released is never edited; the next one is added below it. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001_inbox': {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('messages')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('provider', 'text', (column) => column.notNull())
        .addColumn('message_key', 'text', (column) => column.notNull())
        .addColumn('digest', 'blob', (column) => column.notNull())
        .addColumn('headers', 'text', (column) => column.notNull())
        .addColumn('body', 'blob', (column) => column.notNull())
        .addColumn('received_at', 'bigint', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('message_type', 'text')
        .addColumn('reason', 'text')
        .addColumn('id_reused', 'integer', (column) => column.notNull().defaultTo(0))
        .addColumn('reads', 'integer', (column) => column.notNull().defaultTo(0))
        .addColumn('due_at', 'bigint')
        .addColumn('lease', 'text')
        .execute();
      await db.schema
        .createIndex('messages_once')
        .unique()
        .on('messages')
        .columns(['source', 'message_key', 'digest'])
        .execute();
      await db.schema
        .createIndex('messages_due')
        .on('messages')
        .column('due_at')
        .where(sql.ref('due_at'), 'is not', null)
        .execute();

      await db.schema
        .createTable('runs')
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('account_id', 'text', (column) => column.notNull())
        .addColumn('run_id', 'text', (column) => column.notNull())
        .addColumn('job_key', 'text', (column) => column.notNull())
        .addColumn('outcome', 'text')
        .addColumn('contradicted', 'integer', (column) => column.notNull().defaultTo(0))
        .addColumn('started_at', 'bigint')
        .addColumn('finished_at', 'bigint')
        .addColumn('updated_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('runs_key', ['source', 'account_id', 'run_id'])
        .execute();

      await db.schema
        .createTable('events')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('type', 'text', (column) => column.notNull())
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('provider', 'text', (column) => column.notNull())
        .addColumn('message_id', 'text', (column) => column.notNull())
        .addColumn('occurred_at', 'bigint', (column) => column.notNull())
        .addColumn('data', 'text', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('events_message').on('events').column('message_id').execute();

      await db.schema
        .createTable('deliveries')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('event_id', 'text', (column) => column.notNull())
        .addColumn('handler_id', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('attempts', 'integer', (column) => column.notNull().defaultTo(0))
        .addColumn('due_at', 'bigint')
        .addColumn('lease', 'text')
        .execute();
      await db.schema
        .createIndex('deliveries_once')
        .unique()
        .on('deliveries')
        .columns(['event_id', 'handler_id'])
        .execute();
      await db.schema
        .createIndex('deliveries_due')
        .on('deliveries')
        .column('due_at')
        .where(sql.ref('due_at'), 'is not', null)
        .execute();

      await db.schema
        .createTable('attempts')
        .addColumn('delivery_id', 'text', (column) => column.notNull())
        .addColumn('attempt', 'integer', (column) => column.notNull())
        .addColumn('started_at', 'bigint', (column) => column.notNull())
        .addColumn('finished_at', 'bigint', (column) => column.notNull())
        .addColumn('outcome', 'text', (column) => column.notNull())
        .addColumn('error_name', 'text')
        .addColumn('error_message', 'text')
        .addColumn('error_stack', 'text')
        .addPrimaryKeyConstraint('attempts_key', ['delivery_id', 'attempt'])
        .execute();
    },
  },
};
