import { sql } from 'kysely';
import {
  idReused,
  settledOf,
  type ParsedAccess,
  type SettledMessage,
  type SettledValues,
} from '../parsing/parsed-access.js';
import { toJobRecord, toRunState } from '../rows/rows.js';
import { keyOfJob, keyOfRun } from '../rows/run-and-job-rows.js';
import type { SqlDialect } from '../schema/dialect.js';
import { columnsOf, type InsertedTable, type NewRow } from '../schema/new-row.js';
import type { JobsTable, MessagesTable, RunsTable } from '../schema/schema.js';
import { statement } from '../schema/statement.js';
import { countRows } from './count-in-sets.js';
import { byId, givenRows, givenText } from './given-rows.js';
import { givenJobs, givenRuns, runLocks, type GivenJob, type GivenRun } from './run-locks.js';

/** Takes each step of recording by one statement for all messages. */
export function parsedInSets(dialect: SqlDialect, schema: string): ParsedAccess {
  const settleMessages = messagesSettler(dialect);
  const findJobs = jobsFinder(dialect);
  const findRuns = runsFinder(dialect);
  const write = rowsWriter(dialect);
  return {
    lock: runLocks(dialect, schema),
    *settle(recordings) {
      return yield* settleMessages({ given: givenText(recordings.map(settledOf).sort(byId)) });
    },
    *known(recordings) {
      const runKeys = givenRuns(recordings);
      const runs = runKeys.length > 0 ? yield* findRuns({ given: givenText(runKeys) }) : [];
      const jobKeys: GivenJob[] = [...givenJobs(recordings), ...runs];
      const jobs =
        jobKeys.length > 0
          ? yield* findJobs({ given: givenText(jobKeys.map(({ source, job_key }) => ({ source, job_key }))) })
          : [];
      return {
        jobs: new Map(jobs.map((row) => [keyOfJob({ source: row.source, jobKey: row.job_key }), toJobRecord(row)])),
        runs: new Map(
          runs.map((row) => [
            keyOfRun({ source: row.source, accountId: row.account_id, runId: row.run_id }),
            toRunState(row),
          ]),
        ),
      };
    },
    *write({ parsed, jobs, runs, events, deliveries, tasks }) {
      if (parsed.length + jobs.length + runs.length + events.length + tasks.length === 0) return new Set();
      const fresh = yield* write({
        parsed: givenText(parsed),
        jobs: givenText(jobs),
        runs: givenText(runs),
        events: givenText([...events].sort(byId)),
        deliveries: givenText(deliveries.map((row, place) => ({ ...row, place }))),
        tasks: givenText([...tasks].sort(byId)),
      });
      return new Set(fresh.map(({ id }) => id));
    },
  };
}

type Given = { given: string };

function messagesSettler({ db }: SqlDialect) {
  const columns = ['id', 'lease', 'state', 'reason', 'notes', 'message_type', 'account_id', 'run_id'] as const;
  return statement<Given, SettledMessage>((value) =>
    db
      .updateTable('messages')
      .from(givenRows<SettledValues, 'given'>(value('given'), columns, 'given'))
      .set((eb) => ({
        state: eb.ref('given.state'),
        reason: eb.ref('given.reason'),
        notes: eb.ref('given.notes'),
        message_type: eb.ref('given.message_type'),
        account_id: eb.ref('given.account_id'),
        run_id: eb.ref('given.run_id'),
        due_at: null,
        lease: null,
        id_reused: idReused(eb as never),
      }))
      .whereRef('messages.id', '=', 'given.id')
      .whereRef('messages.lease', '=', 'given.lease')
      .returning(['messages.id', 'messages.source', 'messages.provider', 'messages.id_reused', 'messages.received_at'])
      .returning('given.lease'),
  );
}

/** Finds the rows of job keys, and those of the jobs that they are aliases of. */
function jobsFinder({ db }: SqlDialect) {
  return statement<Given, JobsTable>((value) =>
    db
      .selectFrom(givenRows<GivenJob, 'given'>(value('given'), ['source', 'job_key'], 'given'))
      .innerJoin('jobs as named', (join) =>
        join.onRef('named.source', '=', 'given.source').onRef('named.job_key', '=', 'given.job_key'),
      )
      .innerJoin('jobs', (join) =>
        join
          .onRef('jobs.source', '=', 'named.source')
          .on((eb) => eb('jobs.job_key', 'in', [eb.ref('named.job_key'), eb.ref('named.alias_of')])),
      )
      .selectAll('jobs'),
  );
}

function runsFinder({ db }: SqlDialect) {
  return statement<Given, RunsTable>((value) =>
    db
      .selectFrom('runs')
      .selectAll()
      .where((eb) =>
        eb(
          eb.refTuple('source', 'account_id', 'run_id'),
          'in',
          eb
            .selectFrom(givenRows<GivenRun, 'given'>(value('given'), ['source', 'account_id', 'run_id'], 'given'))
            .select(['given.source', 'given.account_id', 'given.run_id'])
            .$asTuple('source', 'account_id', 'run_id'),
        ),
      ),
  );
}

type Texts = Record<'parsed' | 'jobs' | 'runs' | 'events' | 'deliveries' | 'tasks', string>;

type ValueOf = <K extends keyof Texts>(name: K) => Texts[K];

/** Writes all rows by one statement. Deliveries and numbers follow from the events that it has inserted. */
function rowsWriter(dialect: SqlDialect) {
  const { db } = dialect;
  const eventColumns = columnsOf('events');
  const deliveryColumns = columnsOf('deliveries');
  return statement<Texts, { id: string }>((value) =>
    statesWriter(db, value)
      .with('fresh', (step) =>
        step
          .insertInto('events')
          .columns(eventColumns)
          .expression((eb) => eb.selectFrom(givenTo('events', value)).select(eventColumns as never))
          .onConflict((conflict) => conflict.column('id').doNothing())
          .returning(['id', 'source', 'recorded_at']),
      )
      .with('delivered', (step) =>
        step
          .insertInto('deliveries')
          .columns(deliveryColumns)
          .expression((eb) =>
            eb
              .selectFrom(
                givenRows<NewRow<'deliveries'> & { place: number }, 'given'>(
                  value('deliveries'),
                  [...deliveryColumns, 'place'],
                  'given',
                ),
              )
              .innerJoin('fresh', 'fresh.id', 'given.event_id')
              .select(deliveryColumns.map((column) => `given.${column}` as const) as never)
              // The order of insertion is the order within a lane.
              .orderBy('given.place'),
          )
          .onConflict((conflict) => conflict.columns(['event_id', 'handler_id', 'replay_id']).doNothing()),
      )
      .with('counted', (step) => countRows(step as never, countedRows(value), dialect))
      .selectFrom('fresh')
      .select('id'),
  );
}

/** Selects the rows that the statement counts: messages that are now parsed, and new events. */
function countedRows(value: ValueOf) {
  const parsed = givenRows<MessagesTable, 'given'>(value('parsed'), ['source', 'received_at'], 'given');
  return sql`select source, 'messages.parsed' as kind, received_at as at from ${parsed}
    union all select source, 'events', recorded_at from fresh`;
}

/** Begins a statement that saves the states of jobs and runs, and adds tasks. */
function statesWriter(db: SqlDialect['db'], value: ValueOf) {
  const jobColumns = columnsOf('jobs');
  const runColumns = columnsOf('runs');
  const taskColumns = columnsOf('tasks');
  const jobKey = ['source', 'job_key'] as const;
  const runKey = ['source', 'account_id', 'run_id'] as const;
  return db
    .with('saved_jobs', (step) =>
      step
        .insertInto('jobs')
        .columns(jobColumns)
        .expression((eb) => eb.selectFrom(givenTo('jobs', value)).select(jobColumns as never))
        .onConflict((conflict) => conflict.columns(jobKey).doUpdateSet(excluded(jobColumns, jobKey))),
    )
    .with('saved_runs', (step) =>
      step
        .insertInto('runs')
        .columns(runColumns)
        .expression((eb) => eb.selectFrom(givenTo('runs', value)).select(runColumns as never))
        .onConflict((conflict) => conflict.columns(runKey).doUpdateSet(excluded(runColumns, runKey))),
    )
    .with('saved_tasks', (step) =>
      step
        .insertInto('tasks')
        .columns(taskColumns)
        .expression((eb) => eb.selectFrom(givenTo('tasks', value)).select(taskColumns as never))
        .onConflict((conflict) => conflict.column('id').doNothing()),
    );
}

function givenTo<T extends InsertedTable & keyof Texts>(table: T, value: ValueOf) {
  return givenRows<NewRow<T>, 'given'>(value(table), columnsOf(table), 'given');
}

/** Returns the columns of a row that exists with the values of the row that was to be inserted. */
function excluded<Column extends string>(columns: readonly Column[], key: readonly NoInfer<Column>[]) {
  const changing = columns.filter((column) => !key.includes(column));
  return Object.fromEntries(changing.map((column) => [column, sql.ref(`excluded.${column}`)])) as never;
}
