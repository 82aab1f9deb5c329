import { LIMITS, type DueDelivery, type Store } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../dialect.js';
import { statement, type Transaction } from '../statement.js';
import { DUE_COLUMNS, firstsOfLanes, turnChecker, type Due, type Keeping, type TurnValues } from './lanes.js';
import { deliveryTurns, type DeliveryTurn } from './turns.js';

/** What is due of one handler and one source. */
export type TurnFinder = (turn: DeliveryTurn, now: number, limit: number) => Transaction<Due[]>;

/**
 * Finds what is due in a turn, longest due first. In lanes it looks for the first of each lane only, so that a lane with
 * much in it costs no more than one with little.
 */
export function turnFinder(dialect: SqlDialect, keep: Keeping, lock: SqlDialect['skippingLocked']): TurnFinder {
  const findFree = statement<TurnValues, Due>((value) =>
    lock(longestDue(dialect, value).where('due.lane', 'is', null)),
  );
  const look = statement<TurnValues, Due>((value) => longestDue(dialect, value));
  const findFirsts = firstsOfLanes(dialect);
  return function* ({ handler_id: handler, source, lane }, now, limit) {
    const values = { handler, source, now, limit };
    if (lane === null) return yield* findFree(values);
    const looked = yield* look({ ...values, limit: limit + LIMITS.laneLookMax });
    const kept = yield* keep(possibleFirsts(looked), now);
    if (kept.length >= limit || looked.length < limit + LIMITS.laneLookMax) return kept.slice(0, limit);
    // All that is longest due waits for others in its lane: what can run is behind it.
    const seen = new Set(looked.map(({ id }) => id));
    const firsts = (yield* findFirsts({ ...values, limit: limit + looked.length })).filter(({ id }) => !seen.has(id));
    const free = (yield* findFree({ ...values, limit: limit + looked.length })).filter(({ id }) => !seen.has(id));
    const behind = [...(yield* keep(firsts.slice(0, limit), now)), ...free];
    behind.sort((a, b) => a.due_at - b.due_at || a.seq - b.seq);
    return [...kept, ...behind].slice(0, limit);
  };
}

function longestDue({ db }: SqlDialect, value: <K extends keyof TurnValues>(name: K) => TurnValues[K]) {
  return db
    .selectFrom('deliveries as due')
    .select([...DUE_COLUMNS])
    .$narrowType<{ due_at: number }>()
    .where('due.handler_id', '=', value('handler'))
    .where('due.source', '=', value('source'))
    .where('due.due_at', '<=', value('now'))
    .orderBy('due.due_at')
    .orderBy('due.seq')
    .limit(value('limit'));
}

/** Of a lane, none but the one that was recorded first can be the first. */
function possibleFirsts(looked: readonly Due[]): Due[] {
  const firsts = new Map<string, number>();
  for (const { lane, seq } of looked) {
    if (lane !== null) firsts.set(lane, Math.min(seq, firsts.get(lane) ?? seq));
  }
  return looked.filter(({ lane, seq }) => lane === null || firsts.get(lane) === seq);
}

/** What `claimDeliveries` could take. */
export function dueDeliveries(
  dialect: SqlDialect,
): (...args: Parameters<Store['dueDeliveries']>) => Transaction<DueDelivery[]> {
  const findTurns = deliveryTurns(dialect);
  const findDue = turnFinder(dialect, turnChecker(dialect), (query) => query);
  return function* ({ now, handlerIds, limit }) {
    const turns = (yield* findTurns({ handlers: dialect.list(handlerIds) })).filter(
      ({ due_at }) => due_at <= now.getTime(),
    );
    turns.sort((a, b) => a.due_at - b.due_at);
    const lists: Due[][] = [];
    for (const turn of turns) lists.push(yield* findDue(turn, now.getTime(), limit));
    return alternating(lists, limit).map(({ id, attempts, due_at }) => ({
      id,
      attempt: attempts + 1,
      dueAt: new Date(due_at),
    }));
  };
}

/** The first of each list, then the second of each, and so on. */
function alternating<T>(lists: readonly (readonly T[])[], limit: number): T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  const taken: T[] = [];
  for (let place = 0; place < longest && taken.length < limit; place += 1) {
    taken.push(...lists.flatMap((list) => list.slice(place, place + 1)));
  }
  return taken.slice(0, limit);
}
