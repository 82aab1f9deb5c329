import type { ClaimedMessage, MessageClaim } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../dialect.js';
import { toStoredMessage } from '../rows.js';
import type { MessagesTable } from '../schema.js';
import { statement, type Transaction } from '../statement.js';

interface Values {
  now: number;
  until: number;
  lease: string;
  limit: number;
  sources: string;
}

/** Takes messages that are due for reading, and counts the read. */
export function claimMessages({ db, isOneOf }: SqlDialect): (claim: MessageClaim) => Transaction<ClaimedMessage[]> {
  const claimDue = statement<Values, MessagesTable>((value) =>
    db
      .updateTable('messages')
      .set((eb) => ({ due_at: value('until'), lease: value('lease'), reads: eb('reads', '+', 1) }))
      .where('id', 'in', (eb) =>
        eb
          .selectFrom('messages')
          .select('id')
          .where('due_at', '<=', value('now'))
          .where(isOneOf(eb.ref('source'), value('sources')))
          .orderBy('due_at')
          .limit(value('limit')),
      )
      .returningAll(),
  );
  return function* ({ now, leaseMs, lease, limit, sources }) {
    const until = now.getTime() + leaseMs;
    const rows = yield* claimDue({ now: now.getTime(), until, lease, limit, sources: JSON.stringify(sources) });
    // `returning` promises no order.
    return rows
      .map((row) => ({ ...toStoredMessage(row), reads: row.reads, quiet: row.quiet === 1 }))
      .sort((a, b) => a.receivedAt.getTime() - b.receivedAt.getTime() || (a.id < b.id ? -1 : 1));
  };
}
