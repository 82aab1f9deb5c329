import type { ClaimedTask, NewTask, TaskClaim, TaskEvaluation, TaskQuestion } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../dialect.js';
import type { BarriersTable, RunsTable, TasksTable } from '../schema.js';
import { change, statement, type Transaction } from '../statement.js';
import { insertEvent, type EventOrigin } from './insert-event.js';
import { replayEvents } from './run-again.js';
import { runRows } from './run-rows.js';
import { messageTurns } from './turns.js';

/** Adds a task, once. */
export function insertTask({ db }: SqlDialect): (task: NewTask, origin: EventOrigin) => Transaction<void> {
  const insert = change<Omit<TasksTable, 'claims' | 'lease'>>((value) =>
    db
      .insertInto('tasks')
      .values({
        id: value('id'),
        handler_id: value('handler_id'),
        source: value('source'),
        provider: value('provider'),
        message_id: value('message_id'),
        data: value('data'),
        claims: 0,
        due_at: value('due_at'),
      })
      .onConflict((conflict) => conflict.column('id').doNothing()),
  );
  return function* ({ id, handlerId: handler_id, dueAt, data }, origin) {
    yield* insert({ id, handler_id, ...origin, data, due_at: dueAt.getTime() });
  };
}

/** Takes tasks that are due. */
export function claimTasks(dialect: SqlDialect): (claim: TaskClaim) => Transaction<ClaimedTask[]> {
  const { db, isOneOf, list } = dialect;
  const findMessages = messageTurns(dialect);
  const { findDue, findDueElsewhere } = dueTaskFinders(dialect);
  const take = statement<{ until: number; lease: string; ids: string }, TasksTable>((value) =>
    db
      .updateTable('tasks')
      .set((eb) => ({ due_at: value('until'), lease: value('lease'), claims: eb('claims', '+', 1) }))
      .where((eb) => isOneOf(eb.ref('id'), value('ids')))
      .returningAll(),
  );
  return function* ({ now, leaseMs, lease, limit, handlerIds, unlessDue = [] }) {
    const messages = unlessDue.length > 0 ? yield* findMessages({ sources: list(unlessDue) }) : [];
    const waiting = messages.filter(({ due_at }) => due_at <= now.getTime()).map(({ source }) => source);
    const values = { now: now.getTime(), limit, handlers: list(handlerIds) };
    const due =
      waiting.length === 0 ? yield* findDue(values) : yield* findDueElsewhere({ ...values, waiting: list(waiting) });
    if (due.length === 0) return [];
    const rows = yield* take({ until: now.getTime() + leaseMs, lease, ids: list(due.map(({ id }) => id)) });
    // `returning` promises no order; the ids of messages are in the order of arrival.
    rows.sort((a, b) => (a.message_id < b.message_id ? -1 : 1));
    return rows.map(({ id, handler_id, source, provider, message_id, data, claims }) => ({
      id,
      handlerId: handler_id,
      data,
      claims,
      lease,
      origin: { source, provider, messageId: message_id },
    }));
  };
}

function dueTaskFinders({ db, isOneOf, skippingLocked }: SqlDialect) {
  interface Values {
    now: number;
    limit: number;
    handlers: string;
  }
  const due = (value: <K extends keyof Values>(name: K) => Values[K]) =>
    db
      .selectFrom('tasks')
      .select('id')
      .where('due_at', '<=', value('now'))
      .where((eb) => isOneOf(eb.ref('handler_id'), value('handlers')))
      .orderBy('due_at')
      .orderBy('message_id')
      .limit(value('limit'));
  const findDue = statement<Values, Pick<TasksTable, 'id'>>((value) => skippingLocked(due(value)));
  // Apart: of a list of sources Postgres expects that it leaves next to nothing, and then reads the whole table.
  const findDueElsewhere = statement<Values & { waiting: string }, Pick<TasksTable, 'id'>>((value) =>
    skippingLocked(due(value).where((eb) => eb.not(isOneOf(eb.ref('source'), value('waiting'))))),
  );
  return { findDue, findDueElsewhere };
}

/** Decides a task, fenced by its lease: false if another holds it by now. */
export function evaluateTask(dialect: SqlDialect): (evaluation: TaskEvaluation, now: Date) => Transaction<boolean> {
  const { find, remove, postpone } = taskAccess(dialect);
  const ask = questions(dialect);
  const saveBarrier = barrierSaver(dialect);
  const insert = insertEvent(dialect);
  const addDeliveries = replayEvents(dialect);
  const addTask = insertTask(dialect);
  return function* ({ taskId: id, lease, question, decide }, now) {
    const [task] = yield* find({ id, lease });
    if (!task) return false;
    if (question.barrier !== undefined) yield* dialect.locks.take(`barrier ${question.barrier}`);
    const { events, deliveries = [], tasks = [], barrier, dueAt } = decide(yield* ask(question));
    if (question.barrier !== undefined && barrier !== undefined) {
      yield* saveBarrier({ name: question.barrier, waiting: barrier, updated_at: now.getTime() });
    }
    const { source, provider, message_id } = task;
    for (const event of events) yield* insert(event, { source, provider, message_id }, now);
    yield* addDeliveries('', deliveries, now);
    for (const one of tasks) yield* addTask(one, { source, provider, message_id });
    if (dueAt) yield* postpone({ id, due_at: dueAt.getTime() });
    else yield* remove({ id });
    return true;
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
  type Job = Pick<RunsTable, 'source' | 'job_key'> & { limit: number };
  const findDurations = statement<Job, { started_at: number; finished_at: number }>((value) =>
    db
      .selectFrom('runs')
      .select(['started_at', 'finished_at'])
      .$narrowType<{ started_at: number; finished_at: number }>()
      .where('source', '=', value('source'))
      .where('job_key', '=', value('job_key'))
      .where('outcome', '=', 'succeeded')
      .where('started_at', 'is not', null)
      .where('finished_at', 'is not', null)
      .orderBy('updated_at', 'desc')
      .limit(value('limit')),
  );
  const findBarrier = statement<Pick<BarriersTable, 'name'>, BarriersTable>((value) =>
    db.selectFrom('barriers').selectAll().where('name', '=', value('name')),
  );
  return function* ({ run: key, durationsOf, barrier: name }: TaskQuestion) {
    const run = key && (yield* runs.find(key));
    const rows = durationsOf
      ? yield* findDurations({
          source: durationsOf.source,
          job_key: durationsOf.jobKey,
          limit: durationsOf.runsMax,
        })
      : [];
    const [barrier] = name === undefined ? [] : yield* findBarrier({ name });
    return {
      durationsMs: rows.map(({ started_at, finished_at }) => finished_at - started_at),
      ...(run && { run }),
      ...(barrier && { barrier: barrier.waiting }),
    };
  };
}

function barrierSaver({ db }: SqlDialect) {
  return change<BarriersTable>((value) => {
    const changing = { waiting: value('waiting'), updated_at: value('updated_at') };
    return db
      .insertInto('barriers')
      .values({ name: value('name'), ...changing })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(changing));
  });
}
