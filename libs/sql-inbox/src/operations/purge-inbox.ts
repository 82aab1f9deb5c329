import type { Purge } from 'nestjs-runhooks/core';
import type { ExpressionBuilder } from 'kysely';
import type { SqlDialect } from '../dialect.js';
import type { Schema } from '../schema.js';
import { change, statement, type Transaction } from '../statement.js';

/**
 * Removes some of what is old: settled messages with all that came of them, duplicate keys, the states of runs and
 * barriers, decisions in the audit, and tasks that nobody takes. Jobs stay: there are few, and what comes next is judged by them. Messages that
 * must stay, such as those of dead letters, are old, too: a step goes on where the one before ended, so that they are
 * looked at once and not by every step.
 */
export function purgeInbox(dialect: SqlDialect): (purge: Purge) => Transaction<number> {
  const findMessages = oldMessages(dialect);
  const removeMessages = messageRemovers(dialect);
  const removeKeys = keyRemover(dialect);
  const removeStates = [runRemover(dialect), barrierRemover(dialect), auditRemover(dialect)];
  const removeTasks = taskRemover(dialect);
  let after = '';
  return function* ({ settledBefore, deadBefore, keysBefore, tasksBefore, limit }) {
    // Of several processes one is enough.
    const [ours] = yield* dialect.locks.takeFree(['purge']);
    if (ours === undefined) return 0;
    const old = { settled: idBefore(settledBefore), dead: idBefore(deadBefore), limit };
    let messages = yield* findMessages({ ...old, after });
    if (messages.length === 0 && after !== '') messages = yield* findMessages({ ...old, after: '' });
    after = messages.at(-1)?.id ?? '';
    const ids = dialect.list(messages.map(({ id }) => id));
    if (messages.length > 0) {
      for (const remove of removeMessages) yield* remove({ ids });
    }
    const keys = yield* removeKeys({ before: idBefore(keysBefore), limit });
    let states = 0;
    for (const remove of removeStates) states += yield* remove({ before: keysBefore.getTime(), limit });
    const tasks = yield* removeTasks({ before: tasksBefore.getTime(), limit });
    return tasks + messages.length + keys + states;
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

/** There are no more of them than there have been handlers. */
function barrierRemover({ db }: SqlDialect) {
  return change<{ before: number; limit: number }>((value) =>
    db.deleteFrom('barriers').where('updated_at', '<', value('before')),
  );
}

/** Decisions of people, so few. */
function auditRemover({ db }: SqlDialect) {
  return change<{ before: number; limit: number }>((value) =>
    db.deleteFrom('audit').where('decided_at', '<', value('before')),
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
