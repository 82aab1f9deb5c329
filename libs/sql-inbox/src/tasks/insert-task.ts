import type { NewTask } from 'nestjs-runhooks/core';
import type { EventOrigin } from '../rows/insert-event.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { TasksTable } from '../schema/schema.js';
import { change, type Transaction } from '../schema/statement.js';

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
