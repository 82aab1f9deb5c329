import { sql, type Kysely } from 'kysely';
import { notNull, primaryKey, startingAs, type ColumnTypes } from './column-types.js';
import { createDueIndex } from './due-index.js';

/** Creates the tables of messages and of their deduplication keys. */
export async function createMessageTables(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await createMessageKeys(db, types);
  await createPurgedKeys(db, types);
  await createMessages(db, types);
}

async function createMessageKeys(db: Kysely<unknown>, { text, bytes, inKey }: ColumnTypes): Promise<void> {
  const table = db.schema
    .createTable('message_keys')
    .addColumn('source', text, notNull)
    .addColumn('message_key', text, notNull)
    .addColumn('digest', bytes, notNull)
    .addColumn('message_id', text, notNull)
    .addPrimaryKeyConstraint('message_keys_once', ['source', 'message_key', 'digest']);
  await inKey(table).execute();
}

/** Takes the place of an index of all keys by message: only a purge needs that order. */
async function createPurgedKeys(db: Kysely<unknown>, { text, bytes, inKey }: ColumnTypes): Promise<void> {
  const table = db.schema
    .createTable('purged_keys')
    .addColumn('message_id', text, primaryKey)
    .addColumn('source', text, notNull)
    .addColumn('message_key', text, notNull)
    .addColumn('digest', bytes, notNull);
  await inKey(table).execute();
}

/** The large columns come last, so that the engine can read the others without them. */
async function createMessages(db: Kysely<unknown>, { text, bytes }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('messages')
    .addColumn('id', text, primaryKey)
    .addColumn('source', text, notNull)
    .addColumn('provider', text, notNull)
    .addColumn('origin', text, startingAs('webhook'))
    .addColumn('message_key', text, notNull)
    .addColumn('digest', bytes, notNull)
    .addColumn('received_at', 'bigint', notNull)
    .addColumn('state', text, notNull)
    .addColumn('message_type', text)
    .addColumn('account_id', text)
    .addColumn('run_id', text)
    .addColumn('history', 'integer', startingAs(0))
    .addColumn('id_reused', 'integer', notNull)
    .addColumn('claims', 'integer', notNull)
    .addColumn('without_handlers', 'integer', notNull)
    .addColumn('due_at', 'bigint')
    .addColumn('lease', text)
    .addColumn('reason', text)
    .addColumn('notes', text)
    .addColumn('headers', text, notNull)
    .addColumn('body', bytes, notNull)
    .execute();
  await createDueIndex(db, 'messages', ['source', 'due_at', 'id']);
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
