import { sql, type Kysely } from 'kysely';
import { notNull, startingAs, type ColumnTypes } from './column-types.js';

/** Creates the tables of what the inbox knows about jobs and runs. */
export async function createRunTables(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await createJobs(db, types);
  await createRuns(db, types);
}

async function createJobs(db: Kysely<unknown>, { text, inKey }: ColumnTypes): Promise<void> {
  const table = db.schema
    .createTable('jobs')
    .addColumn('source', text, notNull)
    .addColumn('job_key', text, notNull)
    .addColumn('alias_of', text)
    .addColumn('latest_success_at', 'bigint')
    .addColumn('incident', text)
    .addColumn('facts', text, startingAs('{}'))
    .addColumn('updated_at', 'bigint', notNull)
    .addPrimaryKeyConstraint('jobs_key', ['source', 'job_key']);
  await inKey(table).execute();
}

async function createRuns(db: Kysely<unknown>, { text, inKey }: ColumnTypes): Promise<void> {
  const table = db.schema
    .createTable('runs')
    .addColumn('source', text, notNull)
    .addColumn('account_id', text, notNull)
    .addColumn('run_id', text, notNull)
    .addColumn('job_key', text, notNull)
    .addColumn('origin', text, startingAs('webhook'))
    .addColumn('outcome', text)
    .addColumn('contradicted', 'integer', notNull)
    .addColumn('types', text, notNull)
    .addColumn('started_at', 'bigint')
    .addColumn('finished_at', 'bigint')
    .addColumn('retry_of', text)
    .addColumn('root_run', text)
    .addColumn('facts', text, startingAs('{}'))
    .addColumn('updated_at', 'bigint', notNull)
    .addPrimaryKeyConstraint('runs_key', ['source', 'account_id', 'run_id']);
  await inKey(table).execute();
  await db.schema.createIndex('runs_updated').on('runs').column('updated_at').execute();
  await db.schema.createIndex('runs_job').on('runs').columns(['source', 'job_key', 'updated_at']).execute();
  // Only runs without an outcome, which are few.
  await db.schema
    .createIndex('runs_open')
    .on('runs')
    .columns(['source', 'updated_at'])
    .where(sql.ref('outcome'), 'is', null)
    .execute();
}
