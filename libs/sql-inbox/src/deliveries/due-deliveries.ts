import type { DueDelivery, Store } from 'nestjs-runhooks/core';
import { sql } from 'kysely';
import { SQL_LIMITS } from '../limits.js';
import type { SqlDialect } from '../schema/dialect.js';
import { statement, type Transaction } from '../schema/statement.js';
import { DUE_COLUMNS, firstsOfLanes, turnChecker, type Due, type Keeping, type TurnValues } from './lanes.js';
import { deliveryTurns, dueAtOf, type DeliveryTurn } from './turns.js';

/** Finds the due deliveries of one handler and one source. */
export type TurnFinder = (turn: DeliveryTurn, now: number, limit: number) => Transaction<Due[]>;

/**
 * Finds the due deliveries of a turn, longest due first: those without a lane and those in lanes, each by the index.
 */
export function turnFinder(dialect: SqlDialect, keep: Keeping, lock: SqlDialect['skippingLocked']): TurnFinder {
  const findFree = statement<TurnValues, Due>((value) => lock(longestDue(dialect, value, 0)));
  const findLaned = lanedFinder(dialect, keep);
  return function* ({ handler_id: handler, source, free_due_at, laned_due_at }, now, limit) {
    const values = { handler, source, now, limit };
    const free = (free_due_at ?? Infinity) <= now ? yield* findFree(values) : [];
    const laned = (laned_due_at ?? Infinity) <= now ? yield* findLaned(values) : [];
    return [...free, ...laned].sort((a, b) => a.due_at - b.due_at || a.seq - b.seq).slice(0, limit);
  };
}

/**
 * Finds the first delivery of each lane and skips the deliveries that wait behind it, so that a long lane costs no more
 * than a short one.
 */
function lanedFinder(dialect: SqlDialect, keep: Keeping): (values: TurnValues) => Transaction<Due[]> {
  const look = statement<TurnValues, Due>((value) => longestDue(dialect, value, 1));
  const findFirsts = firstsOfLanes(dialect);
  return function* (values) {
    const { now, limit } = values;
    const lookMax = limit + SQL_LIMITS.laneScanMax;
    const looked = yield* look({ ...values, limit: lookMax });
    const found = yield* keep(possibleFirsts(looked), now);
    if (found.length >= limit || looked.length < lookMax) return found.slice(0, limit);
    // Most of the longest due deliveries wait in their lanes, so deliveries that can run come after them.
    const seen = new Set(looked.map(({ id }) => id));
    const behind = (yield* findFirsts({ ...values, limit: lookMax })).filter(({ id }) => !seen.has(id));
    return [...found, ...(yield* keep(behind, now))].slice(0, limit);
  };
}

function longestDue({ db }: SqlDialect, value: <K extends keyof TurnValues>(name: K) => TurnValues[K], inLane: 0 | 1) {
  return db
    .selectFrom('deliveries as due')
    .select([...DUE_COLUMNS])
    .$narrowType<{ due_at: number }>()
    .where('due.handler_id', '=', value('handler'))
    .where('due.source', '=', value('source'))
    .where('due.in_lane', '=', sql.lit(inLane))
    .where('due.due_at', '<=', value('now'))
    .orderBy('due.due_at')
    .orderBy('due.seq')
    .limit(value('limit'));
}

/** Keeps the delivery of each lane that was recorded first: no other can be the first of its lane. */
function possibleFirsts(looked: readonly Due[]): Due[] {
  const firsts = new Map<string | null, number>();
  for (const { lane, seq } of looked) firsts.set(lane, Math.min(seq, firsts.get(lane) ?? seq));
  return looked.filter(({ lane, seq }) => firsts.get(lane) === seq);
}

/** Lists the deliveries that `claimDeliveries` could claim. */
export function dueDeliveries(
  dialect: SqlDialect,
): (...args: Parameters<Store['dueDeliveries']>) => Transaction<DueDelivery[]> {
  const findTurns = deliveryTurns(dialect);
  const findDue = turnFinder(dialect, turnChecker(dialect), (query) => query);
  return function* ({ now, handlerIds, limit }) {
    const turns = yield* findTurns({ handlers: dialect.list(handlerIds) });
    turns.sort((a, b) => dueAtOf(a) - dueAtOf(b));
    const lists: Due[][] = [];
    for (const turn of turns) lists.push(yield* findDue(turn, now.getTime(), limit));
    const due = alternating(lists).slice(0, limit);
    return due.map(({ id, attempts, due_at }) => ({ id, attempt: attempts + 1, dueAt: new Date(due_at) }));
  };
}

/** Returns the first item of each list, then the second of each, and so on. */
function alternating<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, place) => lists.flatMap((list) => list.slice(place, place + 1))).flat();
}
