import type { WorkScope } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../dialect.js';
import { statement, type Transaction } from '../statement.js';

/** When the next message is to be read, the next task to be done, or the next delivery to be attempted, leases that run out included. */
export function nextDueAt({ db, isOneOf, list }: SqlDialect): (scope: WorkScope) => Transaction<Date | undefined> {
  const nextMessage = statement<{ sources: string }, { due_at: number }>((value) =>
    db
      .selectFrom('messages')
      .select('due_at')
      .$narrowType<{ due_at: number }>()
      .where('due_at', 'is not', null)
      .where((eb) => isOneOf(eb.ref('source'), value('sources')))
      .orderBy('due_at')
      .limit(1),
  );
  const nextDelivery = statement<{ handlers: string }, { due_at: number }>((value) =>
    db
      .selectFrom('deliveries')
      .select('due_at')
      .$narrowType<{ due_at: number }>()
      .where('due_at', 'is not', null)
      .where((eb) => isOneOf(eb.ref('handler_id'), value('handlers')))
      .orderBy('due_at')
      .limit(1),
  );
  const nextTask = statement<{ handlers: string }, { due_at: number }>((value) =>
    db
      .selectFrom('tasks')
      .select('due_at')
      .where((eb) => isOneOf(eb.ref('handler_id'), value('handlers')))
      .orderBy('due_at')
      .limit(1),
  );
  return function* ({ sources, handlerIds, taskHandlerIds }) {
    const handlers = list(handlerIds);
    const [message] = yield* nextMessage({ sources: list(sources) });
    const [delivery] = yield* nextDelivery({ handlers });
    const [task] = yield* nextTask({ handlers: list(taskHandlerIds) });
    const times = [message, delivery, task].flatMap((row) => (row ? [row.due_at] : []));
    return times.length === 0 ? undefined : new Date(Math.min(...times));
  };
}
