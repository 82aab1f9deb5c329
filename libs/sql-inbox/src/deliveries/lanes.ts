import { sql, type ExpressionBuilder } from 'kysely';
import type { SqlDialect } from '../schema/dialect.js';
import type { DeliveriesTable, RecordedInOrder, Schema } from '../schema/schema.js';
import { statement, type Transaction } from '../schema/statement.js';

/** Delivery that can be claimed. */
export type Due = Pick<DeliveriesTable, 'id' | 'lane' | 'attempts'> & { seq: number; due_at: number };

export const DUE_COLUMNS = ['due.id', 'due.lane', 'due.attempts', 'due.seq', 'due.due_at'] as const;

/** Keeps the deliveries whose turn it is in their lane. */
export type Keeping = (due: readonly Due[], now: number) => Transaction<Due[]>;

type DueIn = ExpressionBuilder<Schema & { due: DeliveriesTable & RecordedInOrder }, 'due'>;

/** Whether a delivery has no lane, or is first in a lane of which no delivery is claimed. */
export function isItsTurn(eb: DueIn, now: number) {
  return eb.or([eb('due.lane', 'is', null), isFirstInLane(eb, now)]);
}

function isFirstInLane(eb: DueIn, now: number) {
  return eb.not(eb.or([eb.exists(earlierInLane(eb)), eb.exists(heldInLane(eb, now))]));
}

/** Selects unfinished deliveries of the same lane that were recorded earlier. */
function earlierInLane(eb: DueIn) {
  return eb
    .selectFrom('deliveries as earlier')
    .select('earlier.id')
    .whereRef('earlier.lane', '=', 'due.lane')
    .whereRef('earlier.seq', '<', 'due.seq')
    .where('earlier.due_at', 'is not', null);
}

/** Selects claimed deliveries of the same lane: a redriven delivery can come before a claimed one. */
function heldInLane(eb: DueIn, now: number) {
  return eb
    .selectFrom('deliveries as held')
    .select('held.id')
    .whereRef('held.lane', '=', 'due.lane')
    .where('held.lease', 'is not', null)
    .where('held.due_at', '>', now);
}

/** Keeps the due deliveries whose turn it is, without taking their lanes. */
export function turnChecker(dialect: SqlDialect): Keeping {
  const find = statement<{ now: number; ids: string }, Pick<Due, 'id'>>((value) => checked(dialect, value));
  return (due, now) => check(find, dialect, due, now);
}

/**
 * Takes the lanes of the deliveries, then keeps the deliveries whose turn it is. The lanes are loaded again after they
 * are taken, because another process may have added or claimed an earlier delivery in between.
 */
export function laneKeeper(dialect: SqlDialect): Keeping {
  const find = statement<{ now: number; ids: string }, Pick<Due, 'id'>>((value) =>
    dialect.skippingLocked(checked(dialect, value)),
  );
  return function* (due, now) {
    const lanes = new Set(due.flatMap(({ lane }) => lane ?? []));
    const free = new Set(yield* dialect.locks.takeFree([...lanes].map((lane) => `lane ${lane}`)));
    const taken = due.filter(({ lane }) => lane === null || free.has(`lane ${lane}`));
    return yield* check(find, dialect, taken, now);
  };
}

type Find = (values: { now: number; ids: string }) => Transaction<Pick<Due, 'id'>[]>;

function* check(find: Find, { list }: SqlDialect, due: readonly Due[], now: number): Transaction<Due[]> {
  if (due.length === 0) return [];
  const found = new Set((yield* find({ now, ids: list(due.map(({ id }) => id)) })).map(({ id }) => id));
  return due.filter(({ id }) => found.has(id));
}

type ValueOf<Values> = <K extends keyof Values>(name: K) => Values[K];

/** Selects by the ids, however much is due, because the sum is in no index. */
function checked({ db, isOneOf }: SqlDialect, value: ValueOf<{ now: number; ids: string }>) {
  return db
    .selectFrom('deliveries as due')
    .select('due.id')
    .where((eb) => isOneOf(eb.ref('due.id'), value('ids')))
    .where((eb) => eb(eb('due.due_at', '+', 0), '<=', value('now')))
    .where((eb) => isItsTurn(eb, value('now')));
}

export interface TurnValues {
  handler: string;
  source: string;
  now: number;
  limit: number;
}

/**
 * Finds the first delivery of each lane, longest due first, by a walk from lane to lane in the index. Its cost grows
 * with the number of lanes, so it suits few and long lanes.
 */
export function firstsOfLanes(dialect: SqlDialect): (values: TurnValues) => Transaction<Due[]> {
  const walk = laneWalk(dialect);
  const { db, isOneOf, list } = dialect;
  // Selects by the ids alone, however many deliveries of the handler are due.
  const find = statement<{ ids: string }, Due & Pick<DeliveriesTable, 'handler_id' | 'source'>>((value) =>
    db
      .selectFrom('deliveries as due')
      .select([...DUE_COLUMNS, 'due.handler_id', 'due.source'])
      .$narrowType<{ due_at: number }>()
      .where((eb) => isOneOf(eb.ref('due.id'), value('ids'))),
  );
  return function* ({ handler, source, now, limit }) {
    const ids = (yield* walk({})).map(({ id }) => id);
    const due = (yield* find({ ids: list(ids) })).filter(
      (one) => one.handler_id === handler && one.source === source && one.due_at <= now,
    );
    return due.sort((a, b) => a.due_at - b.due_at || a.seq - b.seq).slice(0, limit);
  };
}

/** Selects the delivery of each lane that was recorded first. */
function laneWalk({ db }: SqlDialect) {
  const unsettled = db
    .selectFrom('deliveries as one')
    .where('one.lane', 'is not', null)
    .where('one.due_at', 'is not', null)
    .orderBy('one.lane')
    .limit(1);
  return statement<object, { id: string }>(() =>
    db
      .withRecursive('walk(lane)', (start) =>
        start.selectNoFrom(unsettled.select('one.lane').as('lane')).unionAll((step) =>
          step
            .selectFrom('walk')
            .select(unsettled.select('one.lane').where('one.lane', '>', sql.ref<string>('walk.lane')).as('lane'))
            .where('walk.lane', 'is not', null),
        ),
      )
      .selectFrom('walk')
      .select(
        unsettled.select('one.id').where('one.lane', '=', sql.ref<string>('walk.lane')).orderBy('one.seq').as('id'),
      )
      .where('walk.lane', 'is not', null)
      .$narrowType<{ id: string }>(),
  );
}
