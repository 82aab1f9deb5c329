import type { NewTask } from 'nestjs-runhooks/core';
import type { EventOrigin } from '../rows/insert-event.js';
import type { SqlDialect } from '../schema/dialect.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import { change, type Transaction } from '../schema/statement.js';

/** Adds a task unless one with its id exists. */
export function insertTask({ db }: SqlDialect): (task: NewTask, origin: EventOrigin) => Transaction<void> {
  const insert = change<NewRow<'tasks'>>((value) =>
    db
      .insertInto('tasks')
      .values(newRow('tasks', value))
      .onConflict((conflict) => conflict.column('id').doNothing()),
  );
  return function* ({ id, kind, handlerId: handler_id, dueAt, data }, origin) {
    yield* insert({ id, kind, handler_id, ...origin, data, claims: 0, due_at: dueAt.getTime() });
  };
}
