import type { ExpressionBuilder } from 'kysely';
import type { SqlDialect } from '../schema/dialect.js';
import type { Schema } from '../schema/schema.js';
import { change, statement } from '../schema/statement.js';

/** Finds finished messages before `settled` whose deliveries and tasks do not keep them. */
export function oldMessages({ db, skippingLocked }: SqlDialect) {
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

/**
 * Selects deliveries that keep a message, by one condition for both states: of two, the engine might search one in the
 * whole inbox.
 */
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

/** Selects tasks that keep a message, because their events are derived from it. */
function tasksToDo(eb: ExpressionBuilder<Schema, 'messages'>) {
  return eb.selectFrom('tasks').select('tasks.id').whereRef('tasks.message_id', '=', 'messages.id');
}

/** Removes from the leaves to the root, so that no row ever refers to a removed one. */
export function messageRemovers({ db, isOneOf }: SqlDialect) {
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

/** Removes keys without a message: while a message exists, its key must detect copies of it. */
export function keyRemover({ db }: SqlDialect) {
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

/** Selects a value instead of using `exists`, for which Postgres would read all messages. */
function messageOfKey(eb: ExpressionBuilder<Schema, 'message_keys'>) {
  return eb.selectFrom('messages').select('messages.id').whereRef('messages.id', '=', 'message_keys.message_id');
}

export function runRemover({ db }: SqlDialect) {
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

export function barrierRemover({ db }: SqlDialect) {
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

export function decisionRemover({ db }: SqlDialect) {
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

export function taskRemover({ db }: SqlDialect) {
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
