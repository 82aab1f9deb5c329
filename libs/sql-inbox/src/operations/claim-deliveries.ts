import type { ClaimedDelivery, DeliveryClaim, DueDelivery, Store } from 'nestjs-runhooks/core';
import type { ExpressionBuilder } from 'kysely';
import type { SqlDialect } from '../dialect.js';
import { toStoredEvent, toStoredMessage } from '../rows.js';
import type { DeliveriesTable, EventsTable, MessagesTable, Schema } from '../schema.js';
import { statement, type Transaction } from '../statement.js';

type Due = Pick<DeliveriesTable, 'id' | 'lane'>;

interface DueValues {
  now: number;
  limit: number;
  handlers: string;
}

/** Takes deliveries that are due, counts the attempt, and brings each one's event and message along. */
export function claimDeliveries(dialect: SqlDialect): (claim: DeliveryClaim) => Transaction<ClaimedDelivery[]> {
  const { list } = dialect;
  const { findDue, findNamed } = dueFinders(dialect);
  const keepOurs = laneKeeper(dialect);
  const take = deliveryTaker(dialect);
  const { findEvents, findMessages } = finders(dialect);
  return function* ({ now, leaseMs, lease, limit, handlerIds, deliveryIds }) {
    const values = { now: now.getTime(), limit, handlers: list(handlerIds) };
    const due = deliveryIds ? yield* findNamed({ ...values, ids: list(deliveryIds) }) : yield* findDue(values);
    const ids = yield* keepOurs(due, now.getTime());
    if (ids.length === 0) return [];
    const claimed = yield* take({ until: now.getTime() + leaseMs, lease, ids: list(ids) });
    const eventRows = yield* findEvents({ ids: list(claimed.map((row) => row.event_id)) });
    const messageRows = yield* findMessages({ ids: list(eventRows.map((row) => row.message_id)) });
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
    longestDue(dialect, value).select(['due.id', 'due.attempts', 'due.due_at']).$narrowType<{ due_at: number }>(),
  );
  return function* ({ now, handlerIds, limit }) {
    const rows = yield* find({ now: now.getTime(), limit, handlers: dialect.list(handlerIds) });
    return rows.map(({ id, attempts, due_at }) => ({ id, attempt: attempts + 1, dueAt: new Date(due_at) }));
  };
}

function dueFinders(dialect: SqlDialect) {
  const findDue = statement<DueValues, Due>((value) =>
    dialect.skippingLocked(longestDue(dialect, value).select(['due.id', 'due.lane'])),
  );
  // Goes by their ids, however much is due: a sum is in no index.
  const findNamed = statement<DueValues & { ids: string }, Due>((value) =>
    dialect.skippingLocked(
      theirTurn(dialect, value)
        .where((eb) => dialect.isOneOf(eb.ref('due.id'), value('ids')))
        .where((eb) => eb(eb('due.due_at', '+', 0), '<=', value('now')))
        .select(['due.id', 'due.lane']),
    ),
  );
  return { findDue, findNamed };
}

type ValueOf<Values> = <K extends keyof Values>(name: K) => Values[K];

function longestDue(dialect: SqlDialect, value: ValueOf<DueValues>) {
  return theirTurn(dialect, value).where('due.due_at', '<=', value('now')).orderBy('due.due_at').limit(value('limit'));
}

/** Deliveries of the handlers; in a lane, only the first that is not settled. */
function theirTurn({ db, isOneOf }: SqlDialect, value: ValueOf<DueValues>) {
  return db
    .selectFrom('deliveries as due')
    .where((eb) => isOneOf(eb.ref('due.handler_id'), value('handlers')))
    .where((eb) => eb.or([eb('due.lane', 'is', null), isFirstInLane(eb, value('now'))]));
}

/**
 * A lane belongs to one claim at a time, and is looked at again once it is ours: what was first in it may have come
 * after others, from another process, that is about to run them.
 */
function laneKeeper({ db, isOneOf, list, locks }: SqlDialect) {
  const findFirst = statement<{ now: number; ids: string }, Pick<Due, 'id'>>((value) =>
    db
      .selectFrom('deliveries as due')
      .select('due.id')
      .where((eb) => isOneOf(eb.ref('due.id'), value('ids')))
      .where((eb) => isFirstInLane(eb, value('now'))),
  );
  return function* (due: readonly Due[], now: number): Transaction<string[]> {
    const lanes = new Set(due.flatMap(({ lane }) => lane ?? []));
    if (lanes.size === 0) return due.map(({ id }) => id);
    const free = new Set(yield* locks.takeFree([...lanes].map((lane) => `lane ${lane}`)));
    const inLanes = due.filter(({ lane }) => lane !== null && free.has(`lane ${lane}`)).map(({ id }) => id);
    const first = yield* findFirst({ now, ids: list(inLanes) });
    return [...due.filter(({ lane }) => lane === null), ...first].map(({ id }) => id);
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

type DueIn = ExpressionBuilder<Schema & { due: Schema['deliveries'] }, 'due'>;

function isFirstInLane(eb: DueIn, now: number) {
  return eb.not(eb.or([eb.exists(earlierInLane(eb)), eb.exists(heldInLane(eb, now))]));
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
