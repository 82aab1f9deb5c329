import type { NewEvent, TaskEvaluation, TaskQuestion } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import type { BarriersTable, RunsTable, TasksTable } from '../schema/schema.js';
import { newRow } from '../schema/new-row.js';
import { change, query, statement, type Transaction } from '../schema/statement.js';
import { replayEvents } from '../deliveries/replay-events.js';
import { keysOfJob, runRows } from '../rows/run-and-job-rows.js';
import { derivedRows } from './derived-rows.js';
import type { EntryAccess } from './entry-access.js';

/** Decides a task and returns its new events; `false` if another process holds its lease by now. */
export function evaluateTask(
  dialect: SqlDialect,
  { write }: Pick<EntryAccess, 'write'>,
): (evaluation: TaskEvaluation, now: Date) => Transaction<readonly NewEvent[] | false> {
  const { find, remove, postpone } = taskAccess(dialect);
  const ask = questions(dialect);
  const saveBarrier = barrierSaver(dialect);
  const addDeliveries = replayEvents(dialect);
  return function* ({ taskId: id, lease, question, decide }, now) {
    const [task] = yield* find({ id, lease });
    if (!task) return false;
    if (question.barrier !== undefined) yield* dialect.locks.takeAll([`barrier ${question.barrier}`]);
    const { events, deliveries = [], tasks = [], barrier, dueAt } = decide(yield* ask(question));
    if (question.barrier !== undefined && barrier !== undefined) {
      yield* saveBarrier({ name: question.barrier, waiting: barrier, updated_at: now.getTime() });
    }
    const { source, provider, message_id } = task;
    const origin = { source, provider, message_id };
    const fresh = yield* write({
      parsed: [],
      found: [],
      jobs: [],
      runs: [],
      ...derivedRows({ events, tasks }, origin, now),
    });
    yield* addDeliveries('', deliveries, now);
    if (dueAt) yield* postpone({ id, due_at: dueAt.getTime() });
    else yield* remove({ id });
    return events.filter(({ id: eventId }) => fresh.delete(eventId));
  };
}

function taskAccess({ db, locking }: SqlDialect) {
  const find = statement<Pick<TasksTable, 'id'> & { lease: string }, TasksTable>((value) =>
    locking(db.selectFrom('tasks').selectAll().where('id', '=', value('id')).where('lease', '=', value('lease'))),
  );
  const remove = change<Pick<TasksTable, 'id'>>((value) => db.deleteFrom('tasks').where('id', '=', value('id')));
  const postpone = change<Pick<TasksTable, 'id' | 'due_at'>>((value) =>
    db
      .updateTable('tasks')
      .set({ due_at: value('due_at'), lease: null, claims: 0 })
      .where('id', '=', value('id')),
  );
  return { find, remove, postpone };
}

function questions(dialect: SqlDialect) {
  const { db } = dialect;
  const runs = runRows(dialect);
  const durationsOfJob = durations(dialect);
  const findBarrier = statement<Pick<BarriersTable, 'name'>, BarriersTable>((value) =>
    db.selectFrom('barriers').selectAll().where('name', '=', value('name')),
  );
  return function* ({ run: key, durationsOf, barrier: name }: TaskQuestion) {
    const run = key && (yield* runs.find(key));
    const durationsMs = durationsOf ? yield* durationsOfJob(durationsOf) : [];
    const [barrier] = name === undefined ? [] : yield* findBarrier({ name });
    return {
      durationsMs,
      ...(run && { run }),
      ...(barrier && { barrier: barrier.waiting }),
    };
  };
}

/** Returns the durations of the last succeeded runs of a job, whichever of its keys they have. */
function durations(dialect: SqlDialect) {
  const { db } = dialect;
  const keysOf = keysOfJob(dialect);
  const succeeded = (source: string, limit: number) =>
    db
      .selectFrom('runs')
      .select(['started_at', 'finished_at'])
      .$narrowType<{ started_at: number; finished_at: number }>()
      .where('source', '=', source)
      .where('outcome', '=', 'succeeded')
      .where('started_at', 'is not', null)
      .where('finished_at', 'is not', null)
      .orderBy('updated_at', 'desc')
      .limit(limit);
  type Job = Pick<RunsTable, 'source' | 'job_key'> & { limit: number };
  // With one key, the engine reads the runs from the index in order.
  const findByKey = statement<Job, { started_at: number; finished_at: number }>((value) =>
    succeeded(value('source'), value('limit')).where('job_key', '=', value('job_key')),
  );
  return function* ({ source, jobKey, runsMax: limit }: NonNullable<TaskQuestion['durationsOf']>) {
    const [key, ...aliases] = yield* keysOf({ source, jobKey });
    const rows =
      aliases.length > 0
        ? yield* query(succeeded(source, limit).where('job_key', 'in', [key, ...aliases]))
        : yield* findByKey({ source, job_key: key, limit });
    return rows.map(({ started_at, finished_at }) => finished_at - started_at);
  };
}

function barrierSaver({ db }: SqlDialect) {
  return change<BarriersTable>((value) => {
    const { name, ...changing } = newRow('barriers', value);
    return db
      .insertInto('barriers')
      .values({ name, ...changing })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(changing));
  });
}
