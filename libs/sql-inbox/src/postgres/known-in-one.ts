import { sql } from 'kysely';
import { sharedHandlers, type EntryAccess, type KnownStates } from '../recording/entry-access.js';
import { toJobRecord, toRunState } from '../rows/rows.js';
import { keyOfJob, keyOfRun } from '../rows/run-and-job-rows.js';
import { fromPostgresText } from '../postgres-connection/postgres-text.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { JobsTable, RunsTable } from '../schema/schema.js';
import { statement } from '../schema/statement.js';
import { givenRows, givenText } from './given-rows.js';
import { givenJobs, givenRuns, type GivenJob, type GivenRun } from './run-locks.js';

/** One row of any of the tables, as JSON. */
interface KnownRow {
  readonly kind: 'run' | 'job' | 'handler';
  readonly json: string;
}

/** Finds all that entries have to know by one statement: a round trip costs more than reading the rows. */
export function knownInOne(dialect: SqlDialect): EntryAccess['known'] {
  const find = knownFinder(dialect);
  return function* (entries) {
    const [jobs, runs, shared] = [givenJobs(entries), givenRuns(entries), sharedHandlers(entries)];
    const handlers: string[] = [];
    const known: KnownStates = { jobs: new Map(), runs: new Map(), handlers };
    if (jobs.length + runs.length === 0 && !shared) return known;
    const rows = yield* find({
      jobs: givenText(jobs),
      runs: givenText(runs),
      asksForHandlers: shared ? 1 : 0,
      shared: dialect.list(shared ?? []),
    });
    for (const { kind, json } of rows) {
      const row: unknown = JSON.parse(json, (_, value: unknown) =>
        typeof value === 'string' ? fromPostgresText(value) : value,
      );
      if (kind === 'job') addJob(known, row as JobsTable);
      else if (kind === 'run') addRun(known, row as RunsTable);
      else handlers.push(row as string);
    }
    return known;
  };
}

function addJob({ jobs }: KnownStates, row: JobsTable): void {
  jobs.set(keyOfJob({ source: row.source, jobKey: row.job_key }), toJobRecord(row));
}

function addRun({ runs }: KnownStates, row: RunsTable): void {
  runs.set(keyOfRun({ source: row.source, accountId: row.account_id, runId: row.run_id }), toRunState(row));
}

type Values = Record<'jobs' | 'runs' | 'shared', string> & { asksForHandlers: number };

function knownFinder({ db, isOneOf }: SqlDialect) {
  return statement<Values, KnownRow>((value) =>
    db
      .with('found_runs', (step) =>
        step
          .selectFrom(givenRows<GivenRun, 'given'>(value('runs'), ['source', 'account_id', 'run_id'], 'given'))
          .innerJoin('runs', (join) =>
            join
              .onRef('runs.source', '=', 'given.source')
              .onRef('runs.account_id', '=', 'given.account_id')
              .onRef('runs.run_id', '=', 'given.run_id'),
          )
          .selectAll('runs')
          .distinct(),
      )
      .with('named', (step) =>
        step
          .selectFrom(givenRows<GivenJob, 'given'>(value('jobs'), ['source', 'job_key'], 'given'))
          .select(['given.source', 'given.job_key'])
          .union(step.selectFrom('found_runs').select(['found_runs.source', 'found_runs.job_key'])),
      )
      // Also the jobs that these keys are aliases of.
      .with('found_jobs', (step) =>
        step
          .selectFrom('named')
          .innerJoin('jobs as own', (join) =>
            join.onRef('own.source', '=', 'named.source').onRef('own.job_key', '=', 'named.job_key'),
          )
          .innerJoin('jobs', (join) =>
            join
              .onRef('jobs.source', '=', 'own.source')
              .on((eb) => eb('jobs.job_key', 'in', [eb.ref('own.job_key'), eb.ref('own.alias_of')])),
          )
          .selectAll('jobs')
          .distinct(),
      )
      .selectFrom('found_runs')
      .select([sql.lit<KnownRow['kind']>('run').as('kind'), sql<string>`to_json(found_runs)`.as('json')])
      .unionAll((from) =>
        from
          .selectFrom('found_jobs')
          .select([sql.lit<KnownRow['kind']>('job').as('kind'), sql<string>`to_json(found_jobs)`.as('json')]),
      )
      .unionAll((from) =>
        from
          .selectFrom((step) =>
            step
              .selectFrom('handlers')
              .select('version')
              .where(sql<number>`cast(${value('asksForHandlers')} as integer)`, '=', sql.lit(1))
              .where((eb) => eb.not(isOneOf(eb.ref('version'), value('shared'))))
              .orderBy('id')
              .as('others'),
          )
          .select([sql.lit<KnownRow['kind']>('handler').as('kind'), sql<string>`to_json(others.version)`.as('json')]),
      ),
  );
}
