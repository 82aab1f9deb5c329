import type { ClaimedMessage, MessageClaim } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../dialect.js';
import { toStoredMessage } from '../rows.js';
import type { MessagesTable } from '../schema.js';
import { statement, type Transaction } from '../statement.js';

type Due = Pick<MessagesTable, 'id' | 'reads'>;

/** Takes messages that are due for reading, and counts the read. */
export function claimMessages(dialect: SqlDialect): (claim: MessageClaim) => Transaction<ClaimedMessage[]> {
  const { list } = dialect;
  const findDue = dueFinder(dialect);
  const take = messageTaker(dialect);
  return function* ({ now, leaseMs, lease, limit, sources }) {
    const due = yield* findDue({ now: now.getTime(), limit, sources: list(sources) });
    const ids = withoutSuspects(due).map(({ id }) => id);
    if (ids.length === 0) return [];
    const rows = yield* take({ until: now.getTime() + leaseMs, lease, ids: list(ids) });
    // `returning` promises no order.
    return rows
      .map((row) => ({ ...toStoredMessage(row), reads: row.reads, quiet: row.quiet === 1 }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  };
}

/** What may be taken together: new messages, which come first, or one whose reading was begun before. */
function withoutSuspects(due: readonly Due[]): readonly Due[] {
  const [first] = due;
  return first && first.reads > 0 ? [first] : due.filter(({ reads }) => reads === 0);
}

function dueFinder({ db, isOneOf, skippingLocked }: SqlDialect) {
  return statement<{ now: number; limit: number; sources: string }, Due>((value) =>
    skippingLocked(
      db
        .selectFrom('messages')
        .select(['id', 'reads'])
        .where('due_at', '<=', value('now'))
        .where((eb) => isOneOf(eb.ref('source'), value('sources')))
        .orderBy('due_at')
        .orderBy('id')
        .limit(value('limit')),
    ),
  );
}

function messageTaker({ db, isOneOf }: SqlDialect) {
  return statement<{ until: number; lease: string; ids: string }, MessagesTable>((value) =>
    db
      .updateTable('messages')
      .set((eb) => ({ due_at: value('until'), lease: value('lease'), reads: eb('reads', '+', 1) }))
      .where((eb) => isOneOf(eb.ref('id'), value('ids')))
      .returningAll(),
  );
}
