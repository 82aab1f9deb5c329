import { rowsOf, type Purge, type Purged } from 'nestjs-runhooks/core';
import type { ExpressionBuilder } from 'kysely';
import type { SqlDialect } from '../schema/dialect.js';
import type { Schema } from '../schema/schema.js';
import { change, statement, type Transaction } from '../schema/statement.js';
import { brakedHour, noteClock } from '../processes/note-clock.js';

/**
 * Removes some of what is old: settled messages with all that came of them, duplicate keys, the states of runs and
 * barriers, decisions in the audit, and tasks that nobody takes. Jobs stay: there are few, and what comes next is judged by them. Messages that
 * must stay, such as those of dead letters, are old, too: a step goes on where the one before ended, so that they are
 * looked at once and not by every step.
 */
export function purgeInbox(dialect: SqlDialect): (purge: Purge) => Transaction<Purged> {
  const note = noteClock(dialect);
  const hour = brakedHour(dialect);
  const remove = oldRemover(dialect);
  return function* (purge) {
    // Of several processes one is enough.
    const [ours] = yield* dialect.locks.takeFree(['purge']);
    if (ours === undefined) return NOTHING;
    const { brake } = purge;
    const jump = brake && (yield* note(brake.now)).jump;
    if (!brake || !jump) return yield* remove(purge, Infinity);
    const left = yield* hour.left(brake.now, brake.share, brake.rowsMin);
    const removed = yield* remove(purge, left);
    yield* hour.spend(rowsOf(removed));
    const isHeldBack = rowsOf(removed) >= left;
    return { ...removed, ...(isHeldBack && { heldBackBy: { at: new Date(jump.atMs), ms: jump.ms } }) };
  };
}

const NOTHING: Purged = { messages: 0, keys: 0, runs: 0, barriers: 0, decisions: 0, tasks: 0 };

/** Removes at most `limit` rows of each kind, and `most` of all kinds together. */
function oldRemover(dialect: SqlDialect) {
  const findMessages = oldMessages(dialect);
  const removeMessages = messageRemovers(dialect);
  const removeKeys = keyRemover(dialect);
  const removeRuns = runRemover(dialect);
  const removeBarriers = barrierRemover(dialect);
  const removeDecisions = decisionRemover(dialect);
  const removeTasks = taskRemover(dialect);
  let after = '';
  return function* (purge: Purge, most: number): Transaction<Purged> {
    const keysBefore = purge.keysBefore.getTime();
    let left = most;
    const limit = (): number => Math.min(purge.limit, left);
    const count = (rows: number): number => {
      left = Math.max(0, left - rows);
      return rows;
    };
    const old = { settled: idBefore(purge.settledBefore), dead: idBefore(purge.deadBefore), limit: limit() };
    let found = yield* findMessages({ ...old, after });
    if (found.length === 0 && after !== '') found = yield* findMessages({ ...old, after: '' });
    after = found.at(-1)?.id ?? '';
    const ids = dialect.list(found.map(({ id }) => id));
    if (found.length > 0) {
      for (const remove of removeMessages) yield* remove({ ids });
    }
    const messages = count(found.length);
    const keys = count(yield* removeKeys({ before: idBefore(purge.keysBefore), limit: limit() }));
    const runs = count(yield* removeRuns({ before: keysBefore, limit: limit() }));
    const barriers = count(yield* removeBarriers({ before: keysBefore, limit: limit() }));
    const decisions = count(yield* removeDecisions({ before: keysBefore, limit: limit() }));
    const tasks = count(yield* removeTasks({ before: purge.tasksBefore.getTime(), limit: limit() }));
    return { messages, keys, runs, barriers, decisions, tasks };
  };
}

/** Message ids begin with their time, in milliseconds as 12 hexadecimal digits: the first id of that time. */
function idBefore(time: Date): string {
  return `msg_${Math.max(0, time.getTime()).toString(16).padStart(12, '0')}`;
}

function oldMessages({ db, skippingLocked }: SqlDialect) {
  return statement<{ after: string; settled: string; dead: string; limit: number }, { id: string }>((value) =>
    skippingLocked(
      db
        .selectFrom('messages')
        .select('messages.id')
        .where('messages.id', '>', value('after'))
        .where('messages.id', '<', value('settled'))
        .where('messages.due_at', 'is', null)
        .where((eb) => eb.not(eb.exists(deliveriesToKeep(eb, value('dead')))))
        .where((eb) => eb.not(eb.exists(tasksToDo(eb))))
        .orderBy('messages.id')
        .limit(value('limit')),
    ),
  );
}

/** One condition for both states: of two, the engine might look one up by state, in all of the inbox. */
function deliveriesToKeep(eb: ExpressionBuilder<Schema, 'messages'>, dead: string) {
  return eb
    .selectFrom('events')
    .innerJoin('deliveries', 'deliveries.event_id', 'events.id')
    .select('deliveries.id')
    .whereRef('events.message_id', '=', 'messages.id')
    .where((inner) =>
      inner.or([
        inner('deliveries.state', '=', 'pending'),
        inner('deliveries.state', '=', 'dead').and('messages.id', '>=', dead),
      ]),
    );
}

/** What comes of them is read from the message. */
function tasksToDo(eb: ExpressionBuilder<Schema, 'messages'>) {
  return eb.selectFrom('tasks').select('tasks.id').whereRef('tasks.message_id', '=', 'messages.id');
}

/** From the leaves to the root, so that no row ever names one that is gone. */
function messageRemovers({ db, isOneOf }: SqlDialect) {
  const attempts = change<{ ids: string }>((value) =>
    db.deleteFrom('attempts').where('delivery_id', 'in', (eb) =>
      eb
        .selectFrom('deliveries')
        .innerJoin('events', 'events.id', 'deliveries.event_id')
        .select('deliveries.id')
        .where((inner) => isOneOf(inner.ref('events.message_id'), value('ids'))),
    ),
  );
  const deliveries = change<{ ids: string }>((value) =>
    db.deleteFrom('deliveries').where('event_id', 'in', (eb) =>
      eb
        .selectFrom('events')
        .select('events.id')
        .where((inner) => isOneOf(inner.ref('events.message_id'), value('ids'))),
    ),
  );
  const events = change<{ ids: string }>((value) =>
    db.deleteFrom('events').where((eb) => isOneOf(eb.ref('message_id'), value('ids'))),
  );
  const messages = change<{ ids: string }>((value) =>
    db.deleteFrom('messages').where((eb) => isOneOf(eb.ref('id'), value('ids'))),
  );
  return [attempts, deliveries, events, messages];
}

/** A key stays as long as its message, or a copy of that would be taken for a new one. */
function keyRemover({ db }: SqlDialect) {
  return change<{ before: string; limit: number }>((value) =>
    db.deleteFrom('message_keys').where('message_id', 'in', (eb) =>
      eb
        .selectFrom('message_keys')
        .select('message_id')
        .where('message_id', '<', value('before'))
        .where((inner) => inner(messageOfKey(inner), 'is', null))
        .orderBy('message_id')
        .limit(value('limit')),
    ),
  );
}

/** A value, not `exists`, which Postgres would answer by reading all messages. */
function messageOfKey(eb: ExpressionBuilder<Schema, 'message_keys'>) {
  return eb.selectFrom('messages').select('messages.id').whereRef('messages.id', '=', 'message_keys.message_id');
}

function runRemover({ db }: SqlDialect) {
  return change<{ before: number; limit: number }>((value) =>
    db
      .deleteFrom('runs')
      .where('updated_at', '<', value('before'))
      .where((eb) =>
        eb(
          eb.refTuple('source', 'account_id', 'run_id'),
          'in',
          eb
            .selectFrom('runs')
            .select(['source', 'account_id', 'run_id'])
            .where('updated_at', '<', value('before'))
            .orderBy('updated_at')
            .limit(value('limit'))
            .$asTuple('source', 'account_id', 'run_id'),
        ),
      ),
  );
}

function barrierRemover({ db }: SqlDialect) {
  return change<{ before: number; limit: number }>((value) =>
    db
      .deleteFrom('barriers')
      .where('name', 'in', (eb) =>
        eb
          .selectFrom('barriers')
          .select('name')
          .where('updated_at', '<', value('before'))
          .orderBy('updated_at')
          .limit(value('limit')),
      ),
  );
}

function decisionRemover({ db }: SqlDialect) {
  return change<{ before: number; limit: number }>((value) =>
    db
      .deleteFrom('audit')
      .where('seq', 'in', (eb) =>
        eb
          .selectFrom('audit')
          .select('seq')
          .where('decided_at', '<', value('before'))
          .orderBy('decided_at')
          .limit(value('limit')),
      ),
  );
}

function taskRemover({ db }: SqlDialect) {
  return change<{ before: number; limit: number }>((value) =>
    db
      .deleteFrom('tasks')
      .where('due_at', '<', value('before'))
      .where('id', 'in', (eb) =>
        eb
          .selectFrom('tasks')
          .select('id')
          .where('due_at', '<', value('before'))
          .orderBy('due_at')
          .limit(value('limit')),
      ),
  );
}
