import { sql } from 'kysely';
import type { EntryAccess } from '../recording/entry-access.js';
import { idReused, messageValues, type MessageValues, type SettledMessage } from '../recording/message-rows.js';
import type { SqlDialect } from '../schema/dialect.js';
import { columnsOf, type InsertedTable, type NewRow } from '../schema/new-row.js';
import type { MessagesTable } from '../schema/schema.js';
import { statement } from '../schema/statement.js';
import { attemptsInSets } from './attempts-in-sets.js';
import { countRows } from './count-in-sets.js';
import { byId, givenRows, givenText } from './given-rows.js';
import { knownInOne } from './known-in-one.js';
import { runLocks } from './run-locks.js';

/** Takes each step of recording by one statement for all entries. */
export function entriesInSets(dialect: SqlDialect, schema: string): EntryAccess {
  const settleMessages = messagesSettler(dialect);
  const write = rowsWriter(dialect);
  return {
    lock: runLocks(dialect, schema),
    settleMessages: (recordings) => settleMessages({ given: givenText(recordings.map(messageValues).sort(byId)) }),
    settleDeliveries: attemptsInSets(dialect),
    known: knownInOne(dialect),
    *write({ parsed, found, jobs, runs, events, deliveries, tasks }) {
      if (parsed.length + jobs.length + runs.length + events.length + tasks.length === 0) return new Set();
      const fresh = yield* write({
        parsed: givenText(parsed),
        found: givenText(found),
        jobs: givenText(jobs),
        runs: givenText(runs),
        events: givenText([...events].sort(byId)),
        deliveries: givenText(deliveries.map((row, position) => ({ ...row, position }))),
        tasks: givenText([...tasks].sort(byId)),
      });
      return new Set(fresh.map(({ id }) => id));
    },
  };
}

function messagesSettler({ db }: SqlDialect) {
  const columns = ['id', 'lease', 'state', 'reason', 'notes', 'message_type', 'account_id', 'run_id'] as const;
  return statement<{ given: string }, SettledMessage>((value) =>
    db
      .updateTable('messages')
      .from(givenRows<MessageValues, 'given'>(value('given'), columns, 'given'))
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

type Texts = Record<'parsed' | 'found' | 'jobs' | 'runs' | 'events' | 'deliveries' | 'tasks', string>;

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
                givenRows<NewRow<'deliveries'> & { position: number }, 'given'>(
                  value('deliveries'),
                  [...deliveryColumns, 'position'],
                  'given',
                ),
              )
              .innerJoin('fresh', 'fresh.id', 'given.event_id')
              .select(deliveryColumns.map((column) => `given.${column}` as const) as never)
              // The order of insertion is the order within a lane.
              .orderBy('given.position'),
          )
          .onConflict((conflict) => conflict.columns(['event_id', 'handler_id', 'replay_id']).doNothing()),
      )
      .with('counted', (step) => countRows(step as never, countedRows(value), dialect))
      .selectFrom('fresh')
      .select('id'),
  );
}

/** Selects the rows that the statement counts: messages that are now parsed, runs that a sweep found, and new events. */
function countedRows(value: ValueOf) {
  const parsed = givenRows<MessagesTable, 'given'>(value('parsed'), ['source', 'received_at'], 'given');
  const found = givenRows<MessagesTable, 'found'>(value('found'), ['source', 'received_at'], 'found');
  return sql`select source, 'messages.parsed' as kind, received_at as at from ${parsed}
    union all select source, 'runs.found', received_at from ${found}
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
