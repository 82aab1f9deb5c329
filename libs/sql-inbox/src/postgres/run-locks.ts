import { sql } from 'kysely';
import type { Entry } from 'nestjs-runhooks/core';
import { keyOfJob } from '../rows/run-and-job-rows.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { JobsTable, RunsTable } from '../schema/schema.js';
import { statement, type Transaction } from '../schema/statement.js';
import { givenRows, givenText } from './given-rows.js';
import { lockKey } from './postgres-dialect.js';

/** Job keys as {@link givenRows} takes them. */
export type GivenJob = Pick<JobsTable, 'source' | 'job_key'>;

/** Keys of runs as {@link givenRows} takes them. */
export type GivenRun = Pick<RunsTable, 'source' | 'account_id' | 'run_id'>;

/** Returns the job keys that the entries name. */
export function givenJobs(entries: readonly Entry[]): GivenJob[] {
  return entries.flatMap(({ job, otherJobKeys = [] }) =>
    job ? [job.jobKey, ...otherJobKeys].map((job_key) => ({ source: job.source, job_key })) : [],
  );
}

/** Returns the keys of the runs that the entries name. */
export function givenRuns(entries: readonly Entry[]): GivenRun[] {
  return entries.flatMap(({ run }) =>
    run ? [{ source: run.source, account_id: run.accountId, run_id: run.runId }] : [],
  );
}

/**
 * Takes the locks of the jobs and runs of entries in one statement: by name, because what is new has no row that could
 * be locked. A job is locked under each of its keys that the entries or their runs name, and under its own. All
 * transactions take the locks in the order of their hashes, because two names with one hash are one lock.
 *
 * The statement sees the rows as they were before it waited for a lock. Returns the locked job keys, so that the caller can
 * compare them with the rows as they are then.
 */
export function runLocks(
  { db }: SqlDialect,
  schema: string,
): (entries: readonly Entry[]) => Transaction<ReadonlySet<string>> {
  const hashOf = (kind: 'job' | 'run', ...columns: readonly string[]) => {
    const parts = columns.map((column) => sql`' ' || ${sql.ref(column)}`);
    return sql<number>`hashtextextended(${lockKey(schema, kind)} || ${sql.join(parts, sql` || `)}, 0)`.as('hash');
  };
  const take = statement<{ jobs: string; runs: string }, { source: string; job_key: string | null }>((value) =>
    db
      .with('given_runs', (step) =>
        step
          .selectFrom(givenRows<GivenRun, 'given'>(value('runs'), ['source', 'account_id', 'run_id'], 'given'))
          .select(['given.source', 'given.account_id', 'given.run_id']),
      )
      .with('named', (step) =>
        step
          .selectFrom(givenRows<GivenJob, 'given'>(value('jobs'), ['source', 'job_key'], 'given'))
          .select(['given.source', 'given.job_key'])
          .union(
            step
              .selectFrom('given_runs')
              .innerJoin('runs', (join) =>
                join
                  .onRef('runs.source', '=', 'given_runs.source')
                  .onRef('runs.account_id', '=', 'given_runs.account_id')
                  .onRef('runs.run_id', '=', 'given_runs.run_id'),
              )
              .select(['runs.source', 'runs.job_key']),
          ),
      )
      .with('keys', (step) =>
        step
          .selectFrom('named')
          .select(['named.source', 'named.job_key'])
          .union(
            step
              .selectFrom('named')
              .innerJoin('jobs', (join) =>
                join.onRef('jobs.source', '=', 'named.source').onRef('jobs.job_key', '=', 'named.job_key'),
              )
              .select(['jobs.source', 'jobs.alias_of as job_key'])
              .where('jobs.alias_of', 'is not', null)
              .$narrowType<{ job_key: string }>(),
          ),
      )
      .selectFrom((from) =>
        from
          .selectFrom('keys')
          .select(['source', 'job_key', hashOf('job', 'source', 'job_key')])
          .unionAll(
            from
              .selectFrom('given_runs')
              .select(['source', sql<string>`null`.as('job_key'), hashOf('run', 'source', 'account_id', 'run_id')]),
          )
          .orderBy('hash')
          .as('sorted'),
      )
      .select(['sorted.source', 'sorted.job_key', sql`pg_advisory_xact_lock(sorted.hash)`.as('taken')]),
  );
  return function* (entries) {
    const [jobs, runs] = [givenJobs(entries), givenRuns(entries)];
    if (jobs.length + runs.length === 0) return new Set();
    const taken = yield* take({ jobs: givenText(jobs), runs: givenText(runs) });
    return new Set(
      taken.flatMap(({ source, job_key: jobKey }) => (jobKey === null ? [] : [keyOfJob({ source, jobKey })])),
    );
  };
}
