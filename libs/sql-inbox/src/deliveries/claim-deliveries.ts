import type { ClaimedDelivery, DeliveryClaim } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { toStoredEvent, toStoredMessage } from '../rows/rows.js';
import type { DeliveriesTable, EventsTable, MessagesTable } from '../schema/schema.js';
import { statement, type Transaction } from '../schema/statement.js';
import { turnFinder } from './due-deliveries.js';
import { DUE_COLUMNS, isItsTurn, laneKeeper, type Due } from './lanes.js';
import { deliveryTurns, inTurn } from './turns.js';

/** Claims due deliveries, counts the attempt, and loads the event and message of each delivery. */
export function claimDeliveries(dialect: SqlDialect): (claim: DeliveryClaim) => Transaction<ClaimedDelivery[]> {
  const { list } = dialect;
  const findNamed = namedFinder(dialect);
  const findInTurn = dueFinder(dialect);
  const take = deliveryTaker(dialect);
  const load = loader(dialect);
  return function* (claim) {
    const due = claim.deliveryIds ? yield* findNamed(claim, claim.deliveryIds) : yield* findInTurn(claim);
    if (due.length === 0) return [];
    const ids = due.map(({ id }) => id);
    const { lease } = claim;
    const rows = yield* take({ until: claim.now.getTime() + claim.leaseMs, lease, ids: list(ids) });
    const taken = yield* load(rows, lease);
    // `returning` guarantees no order.
    return ids.flatMap((id) => taken.get(id) ?? []);
  };
}

/** Finds due deliveries turn by turn, until the limit is reached. */
function dueFinder(dialect: SqlDialect): (claim: DeliveryClaim) => Transaction<Due[]> {
  const findTurns = deliveryTurns(dialect);
  const findDue = turnFinder(dialect, laneKeeper(dialect), dialect.skippingLocked);
  return function* ({ now, limit, handlerIds, after }) {
    const turns = yield* findTurns({ handlers: dialect.list(handlerIds) });
    const last = after && keyOf(after.handlerId, after.source);
    const due: Due[] = [];
    for (const turn of inTurn(turns, (one) => keyOf(one.handler_id, one.source), last)) {
      if (due.length >= limit) break;
      due.push(...(yield* findDue(turn, now.getTime(), limit - due.length)));
    }
    return due;
  };
}

function keyOf(handlerId: string, source: string): string {
  return JSON.stringify([handlerId, source]);
}

function namedFinder(dialect: SqlDialect) {
  const { db, isOneOf, list, skippingLocked } = dialect;
  const keepFirsts = laneKeeper(dialect);
  interface Values {
    now: number;
    limit: number;
    handlers: string;
    ids: string;
  }
  // The sum is in no index, so the query uses the ids, however much is due.
  const find = statement<Values, Due>((value) =>
    skippingLocked(
      db
        .selectFrom('deliveries as due')
        .select([...DUE_COLUMNS])
        .$narrowType<{ due_at: number }>()
        .where((eb) => isOneOf(eb.ref('due.id'), value('ids')))
        .where((eb) => isOneOf(eb.ref('due.handler_id'), value('handlers')))
        .where((eb) => eb(eb('due.due_at', '+', 0), '<=', value('now')))
        .where((eb) => isItsTurn(eb, value('now')))
        .orderBy('due.id')
        .limit(value('limit')),
    ),
  );
  return function* ({ now, limit, handlerIds }: DeliveryClaim, deliveryIds: readonly string[]): Transaction<Due[]> {
    const values = { now: now.getTime(), limit, handlers: list(handlerIds), ids: list(deliveryIds) };
    const due = yield* find(values);
    return due.every(({ lane }) => lane === null) ? due : yield* keepFirsts(due, now.getTime());
  };
}

function deliveryTaker({ db, isOneOf }: SqlDialect) {
  return statement<{ until: number; lease: string; ids: string }, DeliveriesTable>((value) =>
    db
      .updateTable('deliveries')
      .set((eb) => ({ due_at: value('until'), lease: value('lease'), attempts: eb('attempts', '+', 1) }))
      .where((eb) => isOneOf(eb.ref('id'), value('ids')))
      .returningAll(),
  );
}

/** Loads the events and messages of claimed deliveries. Returns them by delivery id. */
function loader(dialect: SqlDialect) {
  const { findEvents, findMessages } = finders(dialect);
  const { list } = dialect;
  return function* (rows: readonly DeliveriesTable[], lease: string): Transaction<Map<string, ClaimedDelivery>> {
    const eventRows = yield* findEvents({ ids: list(rows.map((row) => row.event_id)) });
    const messageRows = yield* findMessages({ ids: list(eventRows.flatMap((row) => row.message_id ?? [])) });
    const events = new Map(eventRows.map((row) => [row.id, row]));
    const messages = new Map(messageRows.map((row) => [row.id, row]));
    return new Map(
      rows.map((row) => {
        const event = events.get(row.event_id);
        const message = messages.get(event?.message_id ?? '');
        if (!event || (event.message_id !== null && !message))
          throw new Error(`delivery ${row.id} has lost its event or message: the inbox is damaged`);
        const { id, handler_id: handlerId, attempts: attempt, attempts_before: attemptsBefore } = row;
        const { replay_id: replayId, waiting_since } = row;
        const loaded = {
          event: toStoredEvent(event),
          ...(message && { message: toStoredMessage(message) }),
          ...(waiting_since !== null && { waitingSince: new Date(waiting_since) }),
        };
        return [id, { id, handlerId, attempt, attemptsBefore, replayId, lease, ...loaded }];
      }),
    );
  };
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
