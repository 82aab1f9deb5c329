import type { NewTask } from 'nestjs-runhooks/core';
import type { EventOrigin } from '../rows/insert-event.js';
import type { SqlDialect } from '../schema/dialect.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import { change } from '../schema/statement.js';

/** Inserts a task unless it exists. */
export function taskInserter({ db }: SqlDialect) {
  return change<NewRow<'tasks'>>((value) =>
    db
      .insertInto('tasks')
      .values(newRow('tasks', value))
      .onConflict((conflict) => conflict.column('id').doNothing()),
  );
}

export function taskRow({ id, kind, handlerId, dueAt, data }: NewTask, origin: EventOrigin): NewRow<'tasks'> {
  return { id, kind, handler_id: handlerId, ...origin, data, claims: 0, due_at: dueAt.getTime() };
}
