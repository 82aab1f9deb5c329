import type { ClaimedTask, TaskClaim } from 'nestjs-runhooks/core';
import { messageTurns } from '../deliveries/turns.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { TasksTable } from '../schema/schema.js';
import { statement, type Transaction } from '../schema/statement.js';

/** Claims due tasks and counts the claim. */
export function claimTasks(dialect: SqlDialect): (claim: TaskClaim) => Transaction<ClaimedTask[]> {
  const { db, isOneOf, list } = dialect;
  const findMessages = messageTurns(dialect);
  const { findDue, findDueElsewhere } = dueTaskFinders(dialect);
  const take = statement<{ until: number; lease: string; ids: string }, TasksTable>((value) =>
    db
      .updateTable('tasks')
      .set((eb) => ({ due_at: value('until'), lease: value('lease'), claims: eb('claims', '+', 1) }))
      .where((eb) => isOneOf(eb.ref('id'), value('ids')))
      .returningAll(),
  );
  return function* ({ now, leaseMs, lease, limit, handlerIds, unlessDue = [], exceptSources = [] }) {
    const messages = unlessDue.length > 0 ? yield* findMessages({ sources: list(unlessDue) }) : [];
    const behind = messages.filter(({ due_at }) => due_at <= now.getTime()).map(({ source }) => source);
    const waiting = [...new Set([...behind, ...exceptSources])];
    const values = { now: now.getTime(), limit, handlers: list(handlerIds) };
    const due =
      waiting.length === 0 ? yield* findDue(values) : yield* findDueElsewhere({ ...values, waiting: list(waiting) });
    if (due.length === 0) return [];
    const rows = yield* take({ until: now.getTime() + leaseMs, lease, ids: list(due.map(({ id }) => id)) });
    // `returning` guarantees no order. Message ids are in the order of arrival.
    rows.sort((a, b) => ((a.message_id ?? '') < (b.message_id ?? '') ? -1 : 1));
    return rows.map(({ id, kind, handler_id, source, provider, message_id, data, claims }) => ({
      id,
      kind,
      handlerId: handler_id,
      data,
      claims,
      lease,
      parsedFrom: { source, provider, ...(message_id !== null && { messageId: message_id }) },
    }));
  };
}

function dueTaskFinders({ db, isOneOf, skippingLocked }: SqlDialect) {
  interface Values {
    now: number;
    limit: number;
    handlers: string;
  }
  const due = (value: <K extends keyof Values>(name: K) => Values[K]) =>
    db
      .selectFrom('tasks')
      .select('id')
      .where('due_at', '<=', value('now'))
      .where((eb) => isOneOf(eb.ref('handler_id'), value('handlers')))
      .orderBy('due_at')
      .orderBy('message_id')
      .limit(value('limit'));
  const findDue = statement<Values, Pick<TasksTable, 'id'>>((value) => skippingLocked(due(value)));
  // A separate statement: with a list of sources, Postgres expects almost no rows to remain and reads the whole table.
  const findDueElsewhere = statement<Values & { waiting: string }, Pick<TasksTable, 'id'>>((value) =>
    skippingLocked(due(value).where((eb) => eb.not(isOneOf(eb.ref('source'), value('waiting'))))),
  );
  return { findDue, findDueElsewhere };
}
