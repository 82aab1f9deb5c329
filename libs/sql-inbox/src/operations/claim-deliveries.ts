import type { ClaimedDelivery, DeliveryClaim, DueDelivery, Store } from 'nestjs-runhooks/core';
import type { ExpressionBuilder } from 'kysely';
import type { SqlDialect } from '../dialect.js';
import { toStoredEvent, toStoredMessage } from '../rows.js';
import type { DeliveriesTable, EventsTable, MessagesTable, Schema } from '../schema.js';
import { statement, type Transaction } from '../statement.js';

interface DueValues {
  now: number;
  limit: number;
  handlers: string;
}

interface ClaimValues extends DueValues {
  until: number;
  lease: string;
}

/** Takes deliveries that are due, counts the attempt, and brings each one's event and message along. */
export function claimDeliveries(dialect: SqlDialect): (claim: DeliveryClaim) => Transaction<ClaimedDelivery[]> {
  const claimDue = dueClaimer(dialect);
  const claimNamed = namedClaimer(dialect);
  const { findEvents, findMessages } = finders(dialect);
  return function* ({ now, leaseMs, lease, limit, handlerIds, deliveryIds }) {
    const until = now.getTime() + leaseMs;
    const values = { now: now.getTime(), until, lease, limit, handlers: JSON.stringify(handlerIds) };
    const claimed = deliveryIds
      ? yield* claimNamed({ ...values, ids: JSON.stringify(deliveryIds) })
      : yield* claimDue(values);
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

type DueRow = Pick<DeliveriesTable, 'id' | 'attempts'> & { due_at: number };

/** What {@link claimDeliveries} would take. */
export function dueDeliveries(
  dialect: SqlDialect,
): (...args: Parameters<Store['dueDeliveries']>) => Transaction<DueDelivery[]> {
  const find = statement<DueValues, DueRow>((value) =>
    selectDue(dialect, value).select(['due.id', 'due.attempts', 'due.due_at']).$narrowType<{ due_at: number }>(),
  );
  return function* ({ now, handlerIds, limit }) {
    const rows = yield* find({ now: now.getTime(), limit, handlers: JSON.stringify(handlerIds) });
    return rows.map(({ id, attempts, due_at }) => ({ id, attempt: attempts + 1, dueAt: new Date(due_at) }));
  };
}

function dueClaimer(dialect: SqlDialect) {
  return statement<ClaimValues, DeliveriesTable>((value) =>
    dialect.db
      .updateTable('deliveries')
      .set((eb) => ({ due_at: value('until'), lease: value('lease'), attempts: eb('attempts', '+', 1) }))
      .where('id', 'in', selectDue(dialect, value).select('due.id'))
      .returningAll(),
  );
}

/** Goes by their ids, however much is due: a sum is in no index. */
function namedClaimer({ db, isOneOf }: SqlDialect) {
  return statement<ClaimValues & { ids: string }, DeliveriesTable>((value) =>
    db
      .updateTable('deliveries as due')
      .set((eb) => ({ due_at: value('until'), lease: value('lease'), attempts: eb('due.attempts', '+', 1) }))
      .where((eb) => isOneOf(eb.ref('due.id'), value('ids')))
      .where((eb) => eb(eb('due.due_at', '+', 0), '<=', value('now')))
      .where((eb) => isOneOf(eb.ref('due.handler_id'), value('handlers')))
      .where((eb) => isItsTurn(eb, value('now')))
      .returningAll(),
  );
}

/** Deliveries that are due and not held, longest due first; in a lane, only the first that is not settled. */
function selectDue({ db, isOneOf }: SqlDialect, value: ValueOf<DueValues>) {
  return db
    .selectFrom('deliveries as due')
    .where('due.due_at', '<=', value('now'))
    .where((eb) => isOneOf(eb.ref('due.handler_id'), value('handlers')))
    .where((eb) => isItsTurn(eb, value('now')))
    .orderBy('due.due_at')
    .limit(value('limit'));
}

type ValueOf<Values> = <K extends keyof Values>(name: K) => Values[K];
type DueIn = ExpressionBuilder<Schema & { due: Schema['deliveries'] }, 'due'>;

function isItsTurn(eb: DueIn, now: number) {
  const isBlocked = eb.or([eb.exists(earlierInLane(eb)), eb.exists(heldInLane(eb, now))]);
  return eb.or([eb('due.lane', 'is', null), eb.not(isBlocked)]);
}

/** Unsettled deliveries of the same lane that were recorded before. */
function earlierInLane(eb: DueIn) {
  return eb
    .selectFrom('deliveries as earlier')
    .select('earlier.id')
    .whereRef('earlier.lane', '=', 'due.lane')
    .whereRef('earlier.seq', '<', 'due.seq')
    .where('earlier.due_at', 'is not', null);
}

/** Deliveries of the same lane that somebody holds: a redriven one comes back in front of those. */
function heldInLane(eb: DueIn, now: number) {
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
