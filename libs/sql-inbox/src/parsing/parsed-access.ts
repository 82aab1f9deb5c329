import type { JobKey, JobRecord, Recording, RunState } from 'nestjs-runhooks/core';
import { sql, type ExpressionBuilder } from 'kysely';
import { eventInserter, deliveryInserter } from '../rows/insert-event.js';
import { jobRows, keyOfJob, keyOfRun, runRows } from '../rows/run-and-job-rows.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { NewRow } from '../schema/new-row.js';
import type { MessagesTable, Schema } from '../schema/schema.js';
import { statement, type Transaction } from '../schema/statement.js';
import { addToSeries, type Counted } from '../series/add-to-series.js';
import { taskInserter } from '../tasks/insert-task.js';

/** Message whose parsing has ended. */
export type SettledMessage = Pick<MessagesTable, 'id' | 'source' | 'provider' | 'id_reused' | 'received_at'> & {
  lease: string;
};

/** Rows of recorded messages. Rows that exist already stay as they are, except those of runs and jobs. */
export interface ParsedRows {
  /** Messages that are now parsed, to be counted. */
  readonly parsed: readonly Pick<MessagesTable, 'source' | 'received_at'>[];
  readonly jobs: readonly NewRow<'jobs'>[];
  readonly runs: readonly NewRow<'runs'>[];
  readonly events: readonly NewRow<'events'>[];
  /** Deliveries of {@link events}. Those of an event that exists already are not written. */
  readonly deliveries: readonly NewRow<'deliveries'>[];
  readonly tasks: readonly NewRow<'tasks'>[];
}

/** Known states of runs and records of job keys, by their keys. */
export interface KnownStates {
  readonly runs: Map<string, RunState>;
  readonly jobs: Map<string, JobRecord>;
}

/**
 * Returns the job keys that a recording is about: those that it names, the one of its run, and the jobs that these are
 * aliases of, as far as `known` has them.
 */
export function jobKeysOf({ job, otherJobKeys = [], run }: Recording, known: KnownStates): JobKey[] {
  if (!job) return [];
  const { source } = job;
  const runState = run && known.runs.get(keyOfRun(run));
  const keys = new Set([job.jobKey, ...otherJobKeys, ...(runState ? [runState.jobKey] : [])]);
  // A set also visits what is added during the loop.
  for (const jobKey of keys) {
    const record = known.jobs.get(keyOfJob({ source, jobKey }));
    if (record && 'aliasOf' in record) keys.add(record.aliasOf);
  }
  return Array.from(keys, (jobKey) => ({ source, jobKey }));
}

/** Steps of recording that an engine takes for many messages at once, or for one after the other. */
export interface ParsedAccess {
  /**
   * Locks the runs and the job keys of the recordings, the job keys of the known runs, and the jobs that these keys are
   * aliases of. Returns the locked job keys, as by {@link keyOfJob}; or `undefined` if no other transaction can write.
   */
  lock(recordings: readonly Recording[]): Transaction<ReadonlySet<string> | undefined>;
  /** Ends the claims of messages and sets their states. Returns those whose lease has not been lost. */
  settle(recordings: readonly Recording[]): Transaction<SettledMessage[]>;
  /** Returns the states of the runs of the recordings, and the records of the job keys that {@link lock} locks. */
  known(recordings: readonly Recording[]): Transaction<KnownStates>;
  /** Writes the rows and counts them. Returns the ids of the events that are new. */
  write(rows: ParsedRows): Transaction<Set<string>>;
}

/** Takes each step row by row, for an engine in the process of the app. */
export function parsedRowByRow(dialect: SqlDialect): ParsedAccess {
  const settleMessage = messageSettler(dialect);
  const jobs = jobRows(dialect);
  const runs = runRows(dialect);
  const insertEvent = eventInserter(dialect);
  const insertDelivery = deliveryInserter(dialect);
  const insertTask = taskInserter(dialect);
  const jobRecord = function* (key: JobKey, known: KnownStates): Transaction<JobRecord | undefined> {
    const record = known.jobs.get(keyOfJob(key)) ?? (yield* jobs.find(key));
    if (record) known.jobs.set(keyOfJob(key), record);
    return record;
  };
  const count = addToSeries(dialect);
  return {
    lock: () => onlyWriter(),
    *settle(recordings) {
      const settled: SettledMessage[] = [];
      for (const recording of recordings) {
        const [message] = yield* settleMessage(settledOf(recording));
        if (message) settled.push({ ...message, lease: recording.lease });
      }
      return settled;
    },
    *known(recordings) {
      const known: KnownStates = { jobs: new Map(), runs: new Map() };
      for (const recording of recordings) {
        const { run } = recording;
        const ran = run && !known.runs.has(keyOfRun(run)) && (yield* runs.find(run));
        if (run && ran) known.runs.set(keyOfRun(run), ran);
        for (const key of jobKeysOf(recording, known)) {
          const record = yield* jobRecord(key, known);
          if (record && 'aliasOf' in record) yield* jobRecord({ ...key, jobKey: record.aliasOf }, known);
        }
      }
      return known;
    },
    *write(rows) {
      const fresh = new Set<string>();
      for (const row of rows.jobs) yield* jobs.save(row);
      for (const row of rows.runs) yield* runs.save(row);
      for (const row of rows.events) if ((yield* insertEvent(row)) > 0) fresh.add(row.id);
      for (const row of rows.deliveries) if (fresh.has(row.event_id)) yield* insertDelivery(row);
      for (const row of rows.tasks) yield* insertTask(row);
      yield* count([...rows.parsed.map(parsedMessage), ...rows.events.filter(({ id }) => fresh.has(id)).map(newEvent)]);
      return fresh;
    },
  };
}

// eslint-disable-next-line require-yield -- a transaction without statements
function* onlyWriter(): Transaction<undefined> {
  return undefined;
}

function parsedMessage({ source, received_at }: ParsedRows['parsed'][number]): Counted {
  return { kind: 'messages.parsed', source, amount: 1, atMs: received_at };
}

function newEvent({ source, recorded_at }: ParsedRows['events'][number]): Counted {
  return { kind: 'events', source, amount: 1, atMs: recorded_at };
}

/** Values of a message whose parsing has ended. */
export type SettledValues = Pick<
  MessagesTable,
  'id' | 'state' | 'reason' | 'notes' | 'message_type' | 'account_id' | 'run_id'
> & { lease: string };

/** Returns the values of a recording's message. */
export function settledOf(recording: Recording): SettledValues {
  const { messageId: id, lease, state, reason = null, messageType: message_type = null } = recording;
  const { accountId: account_id = null, runId: run_id = null } = recording.run ?? {};
  const notes = recording.notes ? JSON.stringify(recording.notes) : null;
  return { id, lease, state, reason, notes, message_type, account_id, run_id };
}

/** Returns 1 if an earlier message has the id of this one; it then has another body. */
export function idReused(eb: ExpressionBuilder<Schema, 'messages'>) {
  return eb
    .case()
    .when(
      eb.exists(
        eb
          .selectFrom('message_keys as earlier')
          .select('earlier.message_id')
          .whereRef('earlier.source', '=', 'messages.source')
          .whereRef('earlier.message_key', '=', 'messages.message_key')
          .whereRef('earlier.message_id', '<', 'messages.id')
          .where('messages.message_key', '<>', ''),
      ),
    )
    .then(sql.lit(1))
    .else(sql.lit(0))
    .end();
}

/** Fenced by the lease: returns no row if another worker holds the message. */
function messageSettler({ db }: SqlDialect) {
  return statement<SettledValues, Omit<SettledMessage, 'lease'>>((value) =>
    db
      .updateTable('messages')
      .set((eb) => ({
        state: value('state'),
        reason: value('reason'),
        notes: value('notes'),
        message_type: value('message_type'),
        account_id: value('account_id'),
        run_id: value('run_id'),
        due_at: null,
        lease: null,
        id_reused: idReused(eb),
      }))
      .where('id', '=', value('id'))
      .where('lease', '=', value('lease'))
      .returning(['id', 'source', 'provider', 'id_reused', 'received_at']),
  );
}
