import type { ExpressionBuilder } from 'kysely';
import type { SqlDialect } from '../schema/dialect.js';
import type { DeliveriesTable, EventsTable, MessagesTable, Schema } from '../schema/schema.js';
import { change, statement, type Transaction } from '../schema/statement.js';
import { addToSeries, parsedNoMore } from '../series/add-to-series.js';

export type OldMessage = Pick<MessagesTable, 'id' | 'source' | 'state'>;

/** Finds finished messages before `settled` whose deliveries and tasks do not keep them. */
export function oldMessages({ db, skippingLocked }: SqlDialect) {
  return statement<{ after: string; settled: string; dead: string; limit: number }, OldMessage>((value) =>
    skippingLocked(
      db
        .selectFrom('messages')
        .select(['messages.id', 'messages.source', 'messages.state'])
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

/**
 * Finds events without a message that were recorded before `settled` and whose deliveries do not keep them. Such events
 * are few, and have an index of their own.
 */
export function oldEventsAlone({ db, skippingLocked }: SqlDialect) {
  return statement<{ settled: number; dead: number; limit: number }, { id: string }>((value) =>
    skippingLocked(
      db
        .selectFrom('events')
        .select('events.id')
        .where('events.message_id', 'is', null)
        .where('events.recorded_at', '<', value('settled'))
        .where((eb) =>
          eb.not(
            eb.exists(
              eb
                .selectFrom('deliveries')
                .select('deliveries.id')
                .whereRef('deliveries.event_id', '=', 'events.id')
                .where((inner) =>
                  inner.or([
                    inner('deliveries.state', '=', 'pending'),
                    inner('deliveries.state', '=', 'dead').and('events.recorded_at', '>=', value('dead')),
                  ]),
                ),
            ),
          ),
        )
        .orderBy('events.recorded_at')
        .orderBy('events.id')
        .limit(value('limit')),
    ),
  );
}

/** Removes messages with everything derived from them, and notes their keys, which stay. */
export function messageRemover(dialect: SqlDialect) {
  const { db, isOneOf } = dialect;
  const keys = change<{ ids: string }>((value) =>
    db
      .insertInto('purged_keys')
      .columns(['message_id', 'source', 'message_key', 'digest'])
      .expression((eb) =>
        eb
          .selectFrom('messages')
          .select(['id', 'source', 'message_key', 'digest'])
          .where((inner) => isOneOf(inner.ref('id'), value('ids'))),
      ),
  );
  const messages = change<{ ids: string }>((value) =>
    db.deleteFrom('messages').where((eb) => isOneOf(eb.ref('id'), value('ids'))),
  );
  const removeEvents = eventRemover(dialect, 'events.message_id');
  const count = addToSeries(dialect);
  return function* (removed: readonly OldMessage[]): Transaction<void> {
    const ids = dialect.list(removed.map(({ id }) => id));
    yield* keys({ ids });
    yield* removeEvents({ ids });
    yield* messages({ ids });
    yield* count(removed.flatMap(parsedNoMore));
  };
}

/**
 * Removes events by their own ids or by those of their messages, from the leaves to the root, so that no row ever refers
 * to a removed one.
 */
export function eventRemover(dialect: SqlDialect, column: 'events.id' | 'events.message_id') {
  const { db, isOneOf } = dialect;
  const attempts = change<{ ids: string }>((value) =>
    db.deleteFrom('attempts').where('delivery_id', 'in', (eb) =>
      eb
        .selectFrom('deliveries')
        .innerJoin('events', 'events.id', 'deliveries.event_id')
        .select('deliveries.id')
        .where((inner) => isOneOf(inner.ref(column), value('ids'))),
    ),
  );
  const deliveries = statement<{ ids: string }, Pick<DeliveriesTable, 'source' | 'state'>>((value) =>
    db
      .deleteFrom('deliveries')
      .where('event_id', 'in', (eb) =>
        eb
          .selectFrom('events')
          .select('events.id')
          .where((inner) => isOneOf(inner.ref(column), value('ids'))),
      )
      .returning(['source', 'state']),
  );
  const events = statement<{ ids: string }, Pick<EventsTable, 'source'>>((value) =>
    db
      .deleteFrom('events')
      .where((eb) => isOneOf(eb.ref(column), value('ids')))
      .returning('source'),
  );
  const count = addToSeries(dialect);
  return function* (values: { ids: string }): Transaction<void> {
    yield* attempts(values);
    const succeeded = (yield* deliveries(values)).filter(({ state }) => state === 'succeeded');
    const removed = yield* events(values);
    yield* count([
      ...succeeded.map(({ source }) => ({ kind: 'deliveries.succeeded', source, amount: -1 }) as const),
      ...removed.map(({ source }) => ({ kind: 'events', source, amount: -1 }) as const),
    ]);
  };
}

/**
 * Removes keys of messages that were purged, in the order of the messages. While a message exists, its key must detect
 * copies of it.
 */
export function keyRemover({ db }: SqlDialect) {
  type Values = { before: string; limit: number };
  const remove = change<Values>((value) =>
    db
      .deleteFrom('message_keys')
      .where((eb) =>
        eb(
          eb.refTuple('source', 'message_key', 'digest'),
          'in',
          eb
            .selectFrom('purged_keys')
            .select(['source', 'message_key', 'digest'])
            .where('message_id', '<', value('before'))
            .orderBy('message_id')
            .limit(value('limit'))
            .$asTuple('source', 'message_key', 'digest'),
        ),
      ),
  );
  const forget = change<Values>((value) =>
    db
      .deleteFrom('purged_keys')
      .where('message_id', '<', value('before'))
      .where('message_id', 'in', (eb) =>
        eb
          .selectFrom('purged_keys')
          .select('message_id')
          .where('message_id', '<', value('before'))
          .orderBy('message_id')
          .limit(value('limit')),
      ),
  );
  return function* (values: Values): Transaction<number> {
    yield* remove(values);
    return yield* forget(values);
  };
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
