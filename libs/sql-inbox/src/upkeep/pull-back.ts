import { latestClockMs, latestDueAtMs, soonerDueAtMs, type PulledBack, type PullBack } from 'nestjs-runhooks/core';
import { sql, type SqlBool } from 'kysely';
import type { SqlDialect } from '../schema/dialect.js';
import type { AttemptsTable, DeliveriesTable } from '../schema/schema.js';
import { change, statement, type Transaction } from '../schema/statement.js';
import { AT_ONCE } from '../schema/due.js';

/**
 * Makes work due that a wrong clock postponed: messages and tasks in the first step, deliveries in as many steps as
 * needed.
 */
export function pullBack(dialect: SqlDialect): (ask: PullBack) => Transaction<PulledBack> {
  const pullMessages = messagePuller(dialect);
  const pullTasks = taskPuller(dialect);
  const pullDeliveries = deliveryPuller(dialect);
  return function* (ask) {
    const isFirst = ask.after === undefined;
    const messages = isFirst ? yield* pullMessages(ask) : 0;
    const tasks = isFirst ? yield* pullTasks(ask) : 0;
    return { messages, tasks, ...(yield* pullDeliveries(ask)) };
  };
}

interface Lease {
  /** Latest time at which a lease can end. */
  latest: number;
  until: number;
}

function leaseOf({ now, leaseMs }: PullBack): Lease {
  const until = now.getTime() + leaseMs;
  return { until, latest: latestClockMs(until) };
}

function messagePuller({ db }: SqlDialect) {
  const free = change<{ now: number }>((value) =>
    db.updateTable('messages').set({ due_at: AT_ONCE }).where('due_at', '>', value('now')).where('lease', 'is', null),
  );
  const held = change<Lease>((value) =>
    db
      .updateTable('messages')
      .set({ due_at: value('until') })
      .where('due_at', '>', value('latest'))
      .where('lease', 'is not', null),
  );
  return function* (ask: PullBack): Transaction<number> {
    return (yield* free({ now: ask.now.getTime() })) + (yield* held(leaseOf(ask)));
  };
}

function taskPuller({ db }: SqlDialect) {
  const held = change<Lease>((value) =>
    db
      .updateTable('tasks')
      .set({ due_at: value('until') })
      .where('due_at', '>', value('latest'))
      .where('lease', 'is not', null),
  );
  // An unclaimed task may be due in a year, or now by a clock that was a year ahead. Its evaluation decides that;
  // evaluating it early changes nothing.
  const free = change<{ now: number; after: number }>((value) =>
    db
      .updateTable('tasks')
      .set({ due_at: value('now') })
      .where('due_at', '>', value('after'))
      .where('lease', 'is', null),
  );
  return function* (ask: PullBack): Transaction<number> {
    const now = ask.now.getTime();
    const pulled = (yield* held(leaseOf(ask))) + (yield* free({ now, after: latestDueAtMs(now) }));
    yield* free({ now, after: now });
    return pulled;
  };
}

type LanePosition = Pick<DeliveriesTable, 'handler_id' | 'source' | 'in_lane'> & { due_at: number; seq: number };
type Ahead = LanePosition & Pick<DeliveriesTable, 'id' | 'lease' | 'attempts' | 'attempts_before' | 'waiting_for'>;

/** Position before the first row in the index of due deliveries. */
const START: LanePosition = { handler_id: '', source: '', in_lane: 0, due_at: -1, seq: 0 };

function deliveryPuller({ db }: SqlDialect) {
  const find = statement<LanePosition & { now: number; limit: number }, Ahead & { failed_at: number | null }>((value) =>
    db
      .selectFrom('deliveries')
      .leftJoin('attempts', (join) =>
        join.onRef('attempts.delivery_id', '=', 'deliveries.id').onRef('attempts.attempt', '=', 'deliveries.attempts'),
      )
      .select(['id', 'lease', 'attempts', 'attempts_before', 'waiting_for', 'attempts.finished_at as failed_at'])
      .select(['handler_id', 'source', 'in_lane', 'due_at', 'seq'])
      .$narrowType<{ due_at: number }>()
      .where('due_at', '>', value('now'))
      .where(
        sql<SqlBool>`(handler_id, source, in_lane, due_at, seq) > (${value('handler_id')}, ${value('source')}, ${value('in_lane')}, ${value('due_at')}, ${value('seq')})`,
      )
      .orderBy('handler_id')
      .orderBy('source')
      .orderBy('in_lane')
      .orderBy('due_at')
      .orderBy('seq')
      .limit(value('limit')),
  );
  const pull = change<{ id: string; from: number; to: number }>((value) =>
    db
      .updateTable('deliveries')
      .set({ due_at: value('to') })
      .where('id', '=', value('id'))
      .where('due_at', '=', value('from')),
  );
  return function* ({ now, leaseMs, after, limit }: PullBack): Transaction<Pick<PulledBack, 'deliveries' | 'next'>> {
    const nowMs = now.getTime();
    const place = after === undefined ? START : (JSON.parse(after) as LanePosition);
    const rows = yield* find({ ...place, now: nowMs, limit });
    let deliveries = 0;
    for (const row of rows) {
      const to = soonerDueAtMs(aheadOf(row), nowMs, leaseMs);
      if (to !== undefined) deliveries += yield* pull({ id: row.id, from: row.due_at, to });
    }
    const last = rows.length === limit ? rows.at(-1) : undefined;
    return { deliveries, ...(last && { next: placeText(last) }) };
  };
}

function aheadOf(row: Ahead & Pick<AttemptsTable, never> & { failed_at: number | null }) {
  const isRetry = row.attempts > row.attempts_before;
  // An attempt without a record ended its process, so the delivery was claimed until its lease ended.
  return {
    dueAtMs: row.due_at,
    isHeld: row.lease !== null,
    isWaiting: row.waiting_for !== null,
    ...(isRetry && { failedAtMs: row.failed_at ?? row.due_at }),
  };
}

/**
 * Returns where the next step continues, in the order of the index of due deliveries, so that no step reads all of it.
 */
function placeText({ handler_id, source, in_lane, due_at, seq }: LanePosition): string {
  return JSON.stringify({ handler_id, source, in_lane, due_at, seq });
}
