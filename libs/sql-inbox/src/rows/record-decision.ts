import type { AuditEntry, DecidedAction, Decision, Page, PageRequest } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { itemsOf, pageOf } from './pages.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import { change, query, type Transaction } from '../schema/statement.js';

type RecordDecision = (action: DecidedAction, decision: Decision, affected: number, now: Date) => Transaction<void>;

/**
 * Adds a decision to the audit in the transaction of its effect. A further step of the same call adds to the affected
 * rows.
 */
export function recordDecision({ db }: SqlDialect): RecordDecision {
  const add = change<NewRow<'audit'>>((value) =>
    db
      .insertInto('audit')
      .values(newRow('audit', value))
      .onConflict((conflict) =>
        conflict
          .column('id')
          .doUpdateSet((eb) => ({ affected: eb('audit.affected', '+', eb.ref('excluded.affected')) })),
      ),
  );
  return function* (action, { id, by: actor, reason = null, details }, affected, now) {
    yield* add({ id, decided_at: now.getTime(), action, actor, reason, details, affected });
  };
}

/** Lists the decisions of operators, newest first. */
export function listAudit({ db }: SqlDialect) {
  return function* (page: PageRequest): Transaction<Page<AuditEntry>> {
    const limit = itemsOf(page);
    let list = db
      .selectFrom('audit')
      .selectAll()
      .orderBy('seq', 'desc')
      .limit(limit + 1);
    if (page.after !== undefined) list = list.where('seq', '<', Math.floor(Number(page.after)) || 0);
    return pageOf(yield* query(list), limit, toAuditEntry, ({ seq }) => String(seq));
  };
}

function toAuditEntry({ id, decided_at, action, actor, reason, details, affected }: NewRow<'audit'>): AuditEntry {
  return {
    id,
    decidedAt: new Date(decided_at),
    action,
    by: actor,
    ...(reason !== null && { reason }),
    details,
    affected,
  };
}
