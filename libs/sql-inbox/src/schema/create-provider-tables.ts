import { sql, type Kysely } from 'kysely';
import { notNull, primaryKey, startingAs, type ColumnTypes } from './column-types.js';

/** Creates the tables of what the inbox asks the APIs of providers, and of what they answered. */
export async function createProviderTables(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await createRounds(db, types);
  await createResults(db, types);
  await createNodes(db, types);
  await createActions(db, types);
}

/** There are few sources, rounds and cooldowns, so their tables need no index but their keys. */
async function createRounds(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('sources')
    .addColumn('name', text, primaryKey)
    .addColumn('since', 'bigint', notNull)
    .execute();
  await db.schema
    .createTable('rounds')
    .addColumn('source', text, notNull)
    .addColumn('kind', text, notNull)
    .addColumn('cursor', text)
    .addColumn('failures', 'integer', notNull)
    .addColumn('last_error', text)
    .addColumn('due_at', 'bigint', notNull)
    .addColumn('lease', text)
    .addPrimaryKeyConstraint('rounds_key', ['source', 'kind'])
    .execute();
  await db.schema
    .createTable('cooldowns')
    .addColumn('host', text, notNull)
    .addColumn('account_id', text, notNull)
    .addColumn('until', 'bigint', notNull)
    .addPrimaryKeyConstraint('cooldowns_key', ['host', 'account_id'])
    .execute();
}

/** The large columns come last, so that the engine can read the others without them. */
async function createResults(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('results')
    .addColumn('source', text, notNull)
    .addColumn('account_id', text, notNull)
    .addColumn('run_id', text, notNull)
    .addColumn('state', text, notNull)
    .addColumn('scope', text)
    .addColumn('finished_at', 'bigint', notNull)
    .addColumn('reason', text)
    .addColumn('failing', 'integer', notNull)
    .addColumn('recorded', 'integer', notNull)
    .addColumn('updated_at', 'bigint', notNull)
    .addColumn('counts', text)
    .addColumn('good', text)
    .addColumn('skipped', text)
    .addPrimaryKeyConstraint('results_key', ['source', 'account_id', 'run_id'])
    .execute();
  await db.schema.createIndex('results_scope').on('results').columns(['source', 'scope', 'finished_at']).execute();
  await db.schema.createIndex('results_updated').on('results').column('updated_at').execute();
  // Only results of the last days.
  await db.schema
    .createIndex('results_good')
    .on('results')
    .column('updated_at')
    .where(sql.ref('good'), 'is not', null)
    .execute();
  await db.schema
    .createTable('result_nodes')
    .addColumn('source', text, notNull)
    .addColumn('account_id', text, notNull)
    .addColumn('run_id', text, notNull)
    .addColumn('part', 'integer', notNull)
    .addColumn('nodes', text, notNull)
    .addPrimaryKeyConstraint('result_nodes_key', ['source', 'account_id', 'run_id', 'part'])
    .execute();
}

async function createNodes(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('nodes')
    .addColumn('source', text, notNull)
    .addColumn('scope', text, notNull)
    .addColumn('node_id', text, notNull)
    .addColumn('place', text, notNull)
    .addColumn('latest_success_at', 'bigint')
    .addColumn('observed_at', 'bigint', notNull)
    .addColumn('incident', text)
    .addColumn('history', text, notNull)
    .addPrimaryKeyConstraint('nodes_key', ['source', 'scope', 'node_id'])
    .execute();
  const inOrder = ['observed_at', 'source', 'scope', 'node_id'];
  await db.schema.createIndex('nodes_observed').on('nodes').columns(inOrder).execute();
  await db.schema
    .createIndex('nodes_node')
    .on('nodes')
    .columns(['node_id', 'observed_at', 'source', 'scope'])
    .execute();
  await db.schema
    .createIndex('nodes_open')
    .on('nodes')
    .columns(inOrder)
    .where(sql.ref('incident'), 'is not', null)
    .execute();
  await db.schema
    .createIndex('nodes_open_place')
    .on('nodes')
    .columns(['source', 'place', 'observed_at'])
    .where(sql.ref('incident'), 'is not', null)
    .execute();
}

async function createActions(db: Kysely<unknown>, { text }: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('actions')
    .addColumn('source', text, notNull)
    .addColumn('action_key', text, notNull)
    .addColumn('kind', text, notNull)
    .addColumn('target', text, notNull)
    .addColumn('account_id', text)
    .addColumn('state', text, notNull)
    .addColumn('mark', text, notNull)
    .addColumn('request', text, notNull)
    .addColumn('answer', text)
    .addColumn('new_run', text)
    .addColumn('new_account', text)
    .addColumn('root_run', text)
    .addColumn('refusal', text)
    .addColumn('handler_id', text)
    .addColumn('event_id', text)
    .addColumn('asked_source', text)
    .addColumn('asked_account', text)
    .addColumn('asked_run', text)
    .addColumn('created_at', 'bigint', notNull)
    .addColumn('updated_at', 'bigint', notNull)
    .addColumn('sent_at', 'bigint')
    .addColumn('looks', 'integer', startingAs(0))
    .addColumn('due_at', 'bigint')
    .addColumn('lease', text)
    .addPrimaryKeyConstraint('actions_key', ['source', 'action_key'])
    .execute();
  const index = (name: string, columns: string[]) =>
    db.schema.createIndex(`actions_${name}`).on('actions').columns(columns);
  const inOrder = ['created_at', 'source', 'action_key'];
  await index('mark', ['mark', 'source']).unique().execute();
  await index('created', inOrder).execute();
  await index('updated', ['updated_at']).execute();
  await index('target', ['source', 'target']).execute();
  await index('new_run', ['source', 'new_run']).where(sql.ref('new_run'), 'is not', null).execute();
  await index('root_run', ['source', 'root_run']).where(sql.ref('root_run'), 'is not', null).execute();
  const asked = ['asked_source', 'asked_account', 'asked_run'];
  await index('asked', asked).where(sql.ref('asked_run'), 'is not', null).execute();
  await index('event', ['event_id']).where(sql.ref('event_id'), 'is not', null).execute();
  // Actions that are neither answered nor refused, which are few.
  await index('rare', ['state', ...inOrder])
    .where(sql.ref('state'), 'not in', sql`('answered', 'refused')`)
    .execute();
}
