import type { ActionAnswer, ActionKey, ActionRefusal, ActionSummary, StoredAction } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import type { ActionsTable } from '../schema/provider-tables.js';
import { query, type Transaction } from '../schema/statement.js';

/**
 * Returns the name of the lock under which actions of a source begin and get their runs. A transaction takes it before it locks
 * rows, and before the lock of a run. It takes no other named lock.
 */
export function actionsLock(source: string): string {
  return `actions ${source}`;
}

/** Selects an action. */
export function selectAction(db: SqlDialect['db'], { source, key }: ActionKey) {
  return db.selectFrom('actions').selectAll().where('source', '=', source).where('action_key', '=', key);
}

/** Updates an action. */
export function updateAction(db: SqlDialect['db'], { source, key }: ActionKey) {
  return db.updateTable('actions').where('source', '=', source).where('action_key', '=', key);
}

/** Finds an action. */
export function findAction({ db }: SqlDialect): (action: ActionKey) => Transaction<StoredAction | undefined> {
  return function* (action) {
    const [row] = yield* query(selectAction(db, action));
    return row && toStoredAction(row);
  };
}

export function toStoredAction(row: ActionsTable): StoredAction {
  return {
    source: row.source,
    key: row.action_key,
    kind: row.kind,
    target: row.target,
    state: row.state,
    mark: row.mark,
    looks: row.looks,
    ...(row.sent_at !== null && { sentAt: new Date(row.sent_at) }),
    ...(row.root_run !== null && { rootRun: row.root_run }),
    ...(row.answer !== null && { answer: JSON.parse(row.answer) as ActionAnswer }),
    ...(row.refusal !== null && { refusal: JSON.parse(row.refusal) as ActionRefusal }),
  };
}

export function toActionSummary(row: ActionsTable): ActionSummary {
  return {
    ...toStoredAction(row),
    request: row.request,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
    ...(row.handler_id !== null && { handlerId: row.handler_id }),
    ...(row.event_id !== null && { eventId: row.event_id }),
  };
}
