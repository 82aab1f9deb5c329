import type { InboxCounts } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { statement, type Transaction } from '../schema/statement.js';
import { listRefusals } from '../accept/count-refusals.js';
import { IS_RARE_DELIVERY, IS_RARE_MESSAGE } from '../rows/rare-states.js';

type Counted =
  | 'messages'
  | 'stored'
  | 'test'
  | 'unrecognized'
  | 'quarantined'
  | 'erased'
  | 'events'
  | 'deliveries'
  | 'pending'
  | 'skipped'
  | 'dead'
  | 'dismissed'
  | 'tasks';

/**
 * Counts the rows of the inbox by state. The usual states are computed as the rest of all rows, so only indexes are
 * read: with a million messages, SQLite blocks the event loop for about 100 ms instead of seconds.
 */
export function countInbox(dialect: SqlDialect): () => Transaction<InboxCounts> {
  const { db } = dialect;
  const refusals = listRefusals(dialect);
  const count = statement<object, Record<Counted, number>>(() =>
    db.selectNoFrom((eb) => {
      const all = eb.fn.countAll<number>().as('count');
      const messages = eb.selectFrom('messages').select(all);
      const deliveries = eb.selectFrom('deliveries').select(all);
      const messagesIn = (state: 'test' | 'unrecognized' | 'quarantined' | 'erased') =>
        messages.where('state', '=', state).where(IS_RARE_MESSAGE).as(state);
      const deliveriesIn = (state: 'skipped' | 'dead' | 'dismissed') =>
        deliveries.where('state', '=', state).where(IS_RARE_DELIVERY).as(state);
      return [
        messages.as('messages'),
        messages.where('due_at', 'is not', null).as('stored'),
        messagesIn('test'),
        messagesIn('unrecognized'),
        messagesIn('quarantined'),
        messagesIn('erased'),
        eb.selectFrom('events').select(all).as('events'),
        deliveries.as('deliveries'),
        deliveries.where('due_at', 'is not', null).as('pending'),
        deliveriesIn('skipped'),
        deliveriesIn('dead'),
        deliveriesIn('dismissed'),
        eb.selectFrom('tasks').select(all).as('tasks'),
      ];
    }),
  );
  return function* () {
    const [row] = yield* count({});
    const of = (what: Counted): number => Number(row?.[what] ?? 0);
    const messages = {
      stored: of('stored'),
      test: of('test'),
      unrecognized: of('unrecognized'),
      quarantined: of('quarantined'),
      erased: of('erased'),
    };
    const deliveries = { pending: of('pending'), skipped: of('skipped'), dead: of('dead'), dismissed: of('dismissed') };
    return {
      messages: { ...messages, parsed: of('messages') - sum(messages) },
      events: of('events'),
      deliveries: { ...deliveries, succeeded: of('deliveries') - sum(deliveries) },
      checks: of('tasks'),
      refusals: yield* refusals(),
    };
  };
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
