import type { ClaimedDelivery, DeliveryClaim } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../dialect.js';
import { toStoredEvent, toStoredMessage } from '../rows.js';
import type { DeliveriesTable, EventsTable, MessagesTable } from '../schema.js';
import { statement, type Transaction } from '../statement.js';

interface Values {
  now: number;
  until: number;
  lease: string;
  limit: number;
  handlers: string;
}

/** Takes deliveries that are due, counts the attempt, and brings each one's event and message along. */
export function claimDeliveries(dialect: SqlDialect): (claim: DeliveryClaim) => Transaction<ClaimedDelivery[]> {
  const claimDue = dueClaimer(dialect);
  const { findEvents, findMessages } = finders(dialect);
  return function* ({ now, leaseMs, lease, limit, handlerIds }) {
    const until = now.getTime() + leaseMs;
    const claimed = yield* claimDue({ now: now.getTime(), until, lease, limit, handlers: JSON.stringify(handlerIds) });
    if (claimed.length === 0) return [];
    const eventRows = yield* findEvents({ ids: JSON.stringify(claimed.map((row) => row.event_id)) });
    const messageRows = yield* findMessages({ ids: JSON.stringify(eventRows.map((row) => row.message_id)) });
    const events = new Map(eventRows.map((row) => [row.id, row]));
    const messages = new Map(messageRows.map((row) => [row.id, row]));
    return claimed.map((row) => {
      const event = events.get(row.event_id);
      const message = event && messages.get(event.message_id);
      if (!event || !message) throw new Error(`delivery ${row.id} has lost its event or message: the inbox is damaged`);
      const delivery = { id: row.id, handlerId: row.handler_id, attempt: row.attempts, lease };
      return { ...delivery, event: toStoredEvent(event), message: toStoredMessage(message) };
    });
  };
}

function dueClaimer({ db, isOneOf }: SqlDialect) {
  return statement<Values, DeliveriesTable>((value) =>
    db
      .updateTable('deliveries')
      .set((eb) => ({ due_at: value('until'), lease: value('lease'), attempts: eb('attempts', '+', 1) }))
      .where('id', 'in', (eb) =>
        eb
          .selectFrom('deliveries')
          .select('id')
          .where('due_at', '<=', value('now'))
          .where(isOneOf(eb.ref('handler_id'), value('handlers')))
          .orderBy('due_at')
          .limit(value('limit')),
      )
      .returningAll(),
  );
}

function finders({ db, isOneOf }: SqlDialect) {
  const findEvents = statement<{ ids: string }, EventsTable>((value) =>
    db
      .selectFrom('events')
      .selectAll()
      .where((eb) => isOneOf(eb.ref('id'), value('ids'))),
  );
  const findMessages = statement<{ ids: string }, MessagesTable>((value) =>
    db
      .selectFrom('messages')
      .selectAll()
      .where((eb) => isOneOf(eb.ref('id'), value('ids'))),
  );
  return { findEvents, findMessages };
}
