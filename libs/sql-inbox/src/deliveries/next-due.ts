import type { WorkScope } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { statement, type Transaction } from '../schema/statement.js';
import { deliveryTurns, dueAtOf, messageTurns } from './turns.js';

/** Finds when the next message, task or delivery is due. The end of a lease counts, too. */
export function nextDueAt(dialect: SqlDialect): (scope: WorkScope) => Transaction<Date | undefined> {
  const { db, isOneOf, list } = dialect;
  const nextMessages = messageTurns(dialect);
  const nextDeliveries = deliveryTurns(dialect);
  const nextTask = statement<{ handlers: string }, { due_at: number }>((value) =>
    db
      .selectFrom('tasks')
      .select('due_at')
      .where((eb) => isOneOf(eb.ref('handler_id'), value('handlers')))
      .orderBy('due_at')
      .limit(1),
  );
  return function* ({ sources, handlerIds, taskHandlerIds }) {
    const messages = yield* nextMessages({ sources: list(sources) });
    const deliveries = yield* nextDeliveries({ handlers: list(handlerIds) });
    const tasks = yield* nextTask({ handlers: list(taskHandlerIds) });
    const times = [...[...messages, ...tasks].map(({ due_at }) => due_at), ...deliveries.map(dueAtOf)];
    return times.length === 0 ? undefined : new Date(Math.min(...times));
  };
}
