import type { DeliveryState, InboxCounts, MessageState } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../dialect.js';
import { statement, type Transaction } from '../statement.js';

/** Counts what is in the inbox, by state. */
export function countInbox({ db }: SqlDialect): () => Transaction<InboxCounts> {
  const countMessages = statement<object, { state: MessageState; count: number }>(() =>
    db
      .selectFrom('messages')
      .select((eb) => ['state', eb.fn.countAll<number>().as('count')])
      .groupBy('state'),
  );
  const countDeliveries = statement<object, { state: DeliveryState; count: number }>(() =>
    db
      .selectFrom('deliveries')
      .select((eb) => ['state', eb.fn.countAll<number>().as('count')])
      .groupBy('state'),
  );
  const countEvents = statement<object, { count: number }>(() =>
    db.selectFrom('events').select((eb) => eb.fn.countAll<number>().as('count')),
  );
  const countTasks = statement<object, { count: number }>(() =>
    db.selectFrom('tasks').select((eb) => eb.fn.countAll<number>().as('count')),
  );
  return function* () {
    const messages = { stored: 0, read: 0, test: 0, unknown: 0, quarantined: 0 };
    const deliveries = { pending: 0, succeeded: 0, skipped: 0, dead: 0, dismissed: 0 };
    for (const { state, count } of yield* countMessages({})) messages[state] = Number(count);
    for (const { state, count } of yield* countDeliveries({})) deliveries[state] = Number(count);
    const [events] = yield* countEvents({});
    const [tasks] = yield* countTasks({});
    return { messages, events: Number(events?.count ?? 0), deliveries, tasks: Number(tasks?.count ?? 0) };
  };
}
