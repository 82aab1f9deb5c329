import type { JobKey, JobRecord, RunKey, RunState } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { NO_FACTS, toJobRecord, toJobState, toRunState } from './rows.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import type { JobsTable, RunsTable } from '../schema/schema.js';
import { change, statement, type Transaction } from '../schema/statement.js';

/** Selects the ids of the messages about a run. */
export function messagesOfRun(db: SqlDialect['db'], { source, accountId, runId }: RunKey) {
  return db
    .selectFrom('messages')
    .select('id')
    .where('source', '=', source)
    .where('account_id', '=', accountId)
    .where('run_id', '=', runId);
}

/** Returns a string that names a job. */
export function keyOfJob({ source, jobKey }: JobKey): string {
  return JSON.stringify([source, jobKey]);
}

/** Returns a string that names a run. */
export function keyOfRun({ source, accountId, runId }: RunKey): string {
  return JSON.stringify([source, accountId, runId]);
}

/** Returns the name of the lock that is held while messages about a run are recorded. */
export function runLock({ source, accountId, runId }: RunKey): string {
  return `run ${source} ${accountId} ${runId}`;
}

/** Finds and saves the records of job keys. */
export function jobRows({ db }: SqlDialect) {
  type Key = Pick<JobsTable, 'source' | 'job_key'>;
  const find = statement<Key, JobsTable>((value) =>
    db.selectFrom('jobs').selectAll().where('source', '=', value('source')).where('job_key', '=', value('job_key')),
  );
  const save = change<NewRow<'jobs'>>((value) => {
    const { source, job_key, ...changing } = newRow('jobs', value);
    return db
      .insertInto('jobs')
      .values({ source, job_key, ...changing })
      .onConflict((conflict) => conflict.columns(['source', 'job_key']).doUpdateSet(changing));
  });
  return {
    *find({ source, jobKey }: JobKey): Transaction<JobRecord | undefined> {
      const [row] = yield* find({ source, job_key: jobKey });
      return row && toJobRecord(row);
    },
    *save(row: NewRow<'jobs'>): Transaction<void> {
      yield* save(row);
    },
  };
}

/** Finds the row of a job by its key or by an alias. */
export function jobFinder({ db }: SqlDialect) {
  return statement<JobKey, JobsTable>((value) =>
    db
      .selectFrom('jobs')
      .selectAll()
      .where('source', '=', value('source'))
      .where('job_key', '=', (eb) =>
        eb.fn.coalesce(
          eb
            .selectFrom('jobs as named')
            .select('named.alias_of')
            .where('named.source', '=', value('source'))
            .where('named.job_key', '=', value('jobKey')),
          eb.val(value('jobKey')),
        ),
      ),
  );
}

/** Returns all keys of a job, its own first, by any of them. A job without a row has the given key only. */
export function keysOfJob(dialect: SqlDialect): (key: JobKey) => Transaction<[string, ...string[]]> {
  const find = jobFinder(dialect);
  return function* (key) {
    const [row] = yield* find(key);
    return row ? [row.job_key, ...(toJobState(row).aliases ?? [])] : [key.jobKey];
  };
}

/** Finds and saves the states of runs. */
export function runRows({ db }: SqlDialect) {
  type Key = Pick<RunsTable, 'source' | 'account_id' | 'run_id'>;
  const find = statement<Key, RunsTable>((value) =>
    db
      .selectFrom('runs')
      .selectAll()
      .where('source', '=', value('source'))
      .where('account_id', '=', value('account_id'))
      .where('run_id', '=', value('run_id')),
  );
  const save = change<NewRow<'runs'>>((value) => {
    const { source, account_id, run_id, ...changing } = newRow('runs', value);
    return db
      .insertInto('runs')
      .values({ source, account_id, run_id, ...changing })
      .onConflict((conflict) => conflict.columns(['source', 'account_id', 'run_id']).doUpdateSet(changing));
  });
  const keyOf = (key: RunKey): Key => ({ source: key.source, account_id: key.accountId, run_id: key.runId });
  return {
    *find(key: RunKey): Transaction<RunState | undefined> {
      const [row] = yield* find(keyOf(key));
      return row && toRunState(row);
    },
    *save(row: NewRow<'runs'>): Transaction<void> {
      yield* save(row);
    },
  };
}

export function jobRow({ source, jobKey }: JobKey, record: JobRecord, now: Date): NewRow<'jobs'> {
  const { latestSuccessAt, incident, aliases, nameOnly, idAlias, environment } = 'aliasOf' in record ? {} : record;
  return {
    source,
    job_key: jobKey,
    alias_of: 'aliasOf' in record ? record.aliasOf : null,
    latest_success_at: latestSuccessAt?.getTime() ?? null,
    incident: incident ? JSON.stringify(incident) : null,
    facts: JSON.stringify({ aliases, nameOnly, idAlias, environment }),
    updated_at: now.getTime(),
  };
}

export function runRow({ source, accountId, runId }: RunKey, state: RunState, now: Date): NewRow<'runs'> {
  return {
    source,
    account_id: accountId,
    run_id: runId,
    job_key: state.jobKey,
    origin: state.origin ?? 'webhook',
    outcome: state.outcome ?? null,
    contradicted: state.contradicted ? 1 : 0,
    types: JSON.stringify(state.types),
    started_at: state.startedAt?.getTime() ?? null,
    finished_at: state.finishedAt?.getTime() ?? null,
    retry_of: state.retryOf ?? null,
    root_run: state.rootRun ?? null,
    facts: state.facts ? JSON.stringify(state.facts) : NO_FACTS,
    updated_at: now.getTime(),
  };
}
