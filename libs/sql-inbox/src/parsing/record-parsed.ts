import type { NewEvent, Recorded, Recording } from 'nestjs-runhooks/core';
import { sql } from 'kysely';
import type { SqlDialect } from '../schema/dialect.js';
import type { MessagesTable } from '../schema/schema.js';
import { statement, type Transaction } from '../schema/statement.js';
import { insertTask } from '../tasks/insert-task.js';
import { insertEvent } from '../rows/insert-event.js';
import { otherHandlers } from '../processes/register-process.js';
import { jobRows, runRows } from '../rows/run-and-job-rows.js';

type Settled = Pick<MessagesTable, 'source' | 'provider' | 'id_reused'>;

/** Records a parsed message: its new state, its run, the new events, and their deliveries. */
export function recordParsed(dialect: SqlDialect): (recording: Recording, now: Date) => Transaction<Recorded> {
  const settleMessage = messageSettler(dialect);
  const jobs = jobRows(dialect);
  const runs = runRows(dialect);
  const insert = insertEvent(dialect);
  const addTask = insertTask(dialect);
  const findOthers = otherHandlers(dialect);

  return function* (recording, now) {
    const { messageId: id, lease, state, reason = null, messageType: message_type = null } = recording;
    const { accountId: account_id = null, runId: run_id = null } = recording.run ?? {};
    const notes = recording.notes ? JSON.stringify(recording.notes) : null;
    const [message] = yield* settleMessage({ id, lease, state, reason, notes, message_type, account_id, run_id });
    if (!message) return { recorded: false, events: [], tasks: [], idReused: false };

    // The lock comes first, because its holder alone decides about the job and its runs.
    const lock = lockOf(recording);
    if (lock !== undefined) yield* dialect.locks.take(lock);
    const job = recording.job && (yield* jobs.find(recording.job));
    const run = recording.run && (yield* runs.find(recording.run));
    const others = recording.handlers ? yield* findOthers(recording.handlers) : [];
    const decision = recording.decide({
      ...(run && { run }),
      ...(job && { job }),
      ...(others.length > 0 && { otherHandlers: others }),
    });
    if (recording.job && decision.job) yield* jobs.save(recording.job, decision.job, now);
    if (recording.run && decision.run) yield* runs.save(recording.run, decision.run, now);

    const { source, provider } = message;
    const origin = { source, provider, message_id: id };
    const events: NewEvent[] = [];
    for (const event of decision.events) if (yield* insert(event, origin, now)) events.push(event);
    const { tasks = [], contradicts } = decision;
    for (const task of tasks) yield* addTask(task, origin);
    return { recorded: true, events, tasks, idReused: message.id_reused === 1, ...(contradicts && { contradicts }) };
  };
}

/** A job that is new has no row that could be locked, so it is locked by name. */
export function lockOf({ job, run }: Recording): string | undefined {
  if (job) return `job ${JSON.stringify([job.source, job.jobKey])}`;
  return run && `run ${JSON.stringify([run.source, run.accountId, run.runId])}`;
}

/** Fenced by the lease: returns no row if another worker holds the message. */
function messageSettler({ db }: SqlDialect) {
  type Columns = 'id' | 'state' | 'reason' | 'notes' | 'message_type' | 'account_id' | 'run_id';
  type Values = Pick<MessagesTable, Columns> & { lease: string };
  return statement<Values, Settled>((value) =>
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
        id_reused: eb
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
          .end(),
      }))
      .where('id', '=', value('id'))
      .where('lease', '=', value('lease'))
      .returning(['source', 'provider', 'id_reused']),
  );
}
