import type { ActionChange, HeldAction } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import type { ActionsTable } from '../schema/provider-tables.js';
import { command, type Transaction } from '../schema/statement.js';
import { addToSeries } from '../series/add-to-series.js';
import { updateAction } from './action-rows.js';

/** Columns of an action that nothing was sent of, or about which an operator has found out that nothing was done. */
export const UNSENT = { sent_at: null, looks: 0 };
/** Columns of an action that no attempt holds, and for which no look-up is due. */
export const FREE = { lease: null, due_at: null };

/** Writes the next state of a claimed action. */
export function advanceAction(
  dialect: SqlDialect,
): (held: HeldAction, change: ActionChange, now: Date) => Transaction<boolean> {
  const { db } = dialect;
  const count = addToSeries(dialect);
  return function* (held, change, now) {
    const set = { state: change.state, ...columnsOf(change, now.getTime()), updated_at: now.getTime() };
    const written = yield* command(updateAction(db, held).set(set).where('lease', '=', held.lease));
    if (written > 0 && change.state === 'refused') {
      yield* count([{ kind: 'actions.refused', source: held.source, amount: 1, atMs: now.getTime() }]);
    }
    return written > 0;
  };
}

function columnsOf(change: ActionChange, now: number): Partial<ActionsTable> {
  if (change.state === 'intended') return { ...FREE, ...UNSENT };
  if (change.state === 'refused') return { ...FREE, refusal: JSON.stringify(change.refusal) };
  if (change.state === 'unknown') return FREE;
  if ('leaseMs' in change) return { due_at: now + change.leaseMs, sent_at: now, looks: 0 };
  return { lease: null, due_at: change.dueAt.getTime(), looks: change.looks };
}
