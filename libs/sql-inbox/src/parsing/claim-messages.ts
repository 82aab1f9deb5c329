import type { ClaimedMessage, MessageClaim } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { toStoredMessage } from '../rows/rows.js';
import type { MessagesTable } from '../schema/schema.js';
import { statement, type Transaction } from '../schema/statement.js';
import { inTurn, messageTurns } from '../deliveries/turns.js';

type Due = Pick<MessagesTable, 'id' | 'claims'>;

/** Claims messages that are due for parsing, and counts the claim. */
export function claimMessages(dialect: SqlDialect): (claim: MessageClaim) => Transaction<ClaimedMessage[]> {
  const { list } = dialect;
  const findTurns = messageTurns(dialect);
  const findDue = dueFinder(dialect);
  const take = messageTaker(dialect);
  return function* ({ now, leaseMs, lease, limit, sources, after }) {
    const turns = (yield* findTurns({ sources: list(sources) })).filter(({ due_at }) => due_at <= now.getTime());
    const due: Due[] = [];
    for (const { source } of inTurn(turns, (turn) => turn.source, after)) {
      if (due.length >= limit) break;
      due.push(...(yield* findDue({ source, now: now.getTime(), limit: limit - due.length })));
    }
    const ids = withoutSuspects(due).map(({ id }) => id);
    if (ids.length === 0) return [];
    const rows = yield* take({ until: now.getTime() + leaseMs, lease, ids: list(ids) });
    // `returning` guarantees no order.
    const taken = new Map(rows.map((row) => [row.id, row]));
    return ids.flatMap((id) => {
      const row = taken.get(id);
      return row ? [{ ...toStoredMessage(row), claims: row.claims, withoutHandlers: row.without_handlers === 1 }] : [];
    });
  };
}

/** Returns new messages, or only the first one if its parsing was begun before: it may have ended that process. */
function withoutSuspects(due: readonly Due[]): readonly Due[] {
  const [first] = due;
  return first && first.claims > 0 ? [first] : due.filter(({ claims }) => claims === 0);
}

function dueFinder({ db, skippingLocked }: SqlDialect) {
  return statement<{ source: string; now: number; limit: number }, Due>((value) =>
    skippingLocked(
      db
        .selectFrom('messages')
        .select(['id', 'claims'])
        .where('source', '=', value('source'))
        .where('due_at', '<=', value('now'))
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
      .set((eb) => ({ due_at: value('until'), lease: value('lease'), claims: eb('claims', '+', 1) }))
      .where((eb) => isOneOf(eb.ref('id'), value('ids')))
      .returningAll(),
  );
}
