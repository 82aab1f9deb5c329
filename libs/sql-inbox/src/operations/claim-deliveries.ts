import type { ClaimedDelivery, DeliveryClaim } from 'nestjs-runhooks/core';
import type { ExpressionBuilder } from 'kysely';
import type { SqlDialect } from '../dialect.js';
import { toStoredEvent, toStoredMessage } from '../rows.js';
import type { DeliveriesTable, EventsTable, MessagesTable, Schema } from '../schema.js';
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
    return claimed.sort(byId).map((row) => {
      const event = events.get(row.event_id);
      const message = event && messages.get(event.message_id);
      if (!event || !message) throw new Error(`delivery ${row.id} has lost its event or message: the inbox is damaged`);
      return {
        id: row.id,
        handlerId: row.handler_id,
        attempt: row.attempts,
        attemptsBefore: row.attempts_before,
        replayId: row.replay_id,
        lease,
        event: toStoredEvent(event),
        message: toStoredMessage(message),
      };
    });
  };
}

/** `returning` promises no order; ids are in the order of recording. */
function byId(a: DeliveriesTable, b: DeliveriesTable): number {
  return a.id < b.id ? -1 : 1;
}

function dueClaimer({ db, isOneOf }: SqlDialect) {
  return statement<Values, DeliveriesTable>((value) =>
    db
      .updateTable('deliveries')
      .set((eb) => ({ due_at: value('until'), lease: value('lease'), attempts: eb('attempts', '+', 1) }))
      .where('id', 'in', (outer) =>
        outer
          .selectFrom('deliveries as due')
          .select('due.id')
          .where('due.due_at', '<=', value('now'))
          .where((eb) => isOneOf(eb.ref('due.handler_id'), value('handlers')))
          .where((eb) =>
            eb.or([
              eb('due.lane', 'is', null),
              eb.not(eb.or([eb.exists(earlierInLane(eb)), eb.exists(heldInLane(eb, value('now')))])),
            ]),
          )
          .orderBy('due.due_at')
          .limit(value('limit')),
      )
      .returningAll(),
  );
}

/** Unsettled deliveries of the same lane that were recorded before. */
function earlierInLane(eb: ExpressionBuilder<Schema & { due: Schema['deliveries'] }, 'due'>) {
  return eb
    .selectFrom('deliveries as earlier')
    .select('earlier.id')
    .whereRef('earlier.lane', '=', 'due.lane')
    .whereRef('earlier.seq', '<', 'due.seq')
    .where('earlier.due_at', 'is not', null);
}

/** Deliveries of the same lane that somebody holds: a redriven one comes back in front of those. */
function heldInLane(eb: ExpressionBuilder<Schema & { due: Schema['deliveries'] }, 'due'>, now: number) {
  return eb
    .selectFrom('deliveries as held')
    .select('held.id')
    .whereRef('held.lane', '=', 'due.lane')
    .where('held.lease', 'is not', null)
    .where('held.due_at', '>', now);
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
