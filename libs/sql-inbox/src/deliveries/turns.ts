import { sql } from 'kysely';
import type { SqlDialect } from '../schema/dialect.js';
import type { DeliveriesTable } from '../schema/schema.js';
import { statement, type Transaction } from '../schema/statement.js';

/** Source with messages to parse, and when the first one is due. */
export interface MessageTurn {
  readonly source: string;
  readonly due_at: number;
}

/** Handler and source with deliveries, and when the first one is due: without a lane, and in a lane. */
export type DeliveryTurn = Pick<DeliveriesTable, 'handler_id' | 'source'> & {
  readonly free_due_at: number | null;
  readonly laned_due_at: number | null;
};

/** Returns when the first delivery of a turn is due, or `Infinity` if it has none. */
export function dueAtOf({ free_due_at, laned_due_at }: DeliveryTurn): number {
  return Math.min(free_due_at ?? Infinity, laned_due_at ?? Infinity);
}

/** Finds which of the given sources have messages to parse, by one index lookup per source. */
export function messageTurns({ db, rowsOf }: SqlDialect): (values: { sources: string }) => Transaction<MessageTurn[]> {
  const find = statement<{ sources: string }, { source: string; due_at: number | null }>((value) =>
    db
      .selectFrom(rowsOf(value('sources')))
      .select((eb) => [
        'listed.value as source',
        eb
          .selectFrom('messages')
          .select('messages.due_at')
          .whereRef('messages.source', '=', 'listed.value')
          .where('messages.due_at', 'is not', null)
          .orderBy('messages.due_at')
          .limit(1)
          .as('due_at'),
      ]),
  );
  return function* (values) {
    return (yield* find(values)).flatMap(({ source, due_at }) => (due_at === null ? [] : [{ source, due_at }]));
  };
}

/**
 * Finds the handlers and sources with deliveries, including sources that are no longer configured. It walks from one
 * pair to the next in the index, so its cost does not depend on the number of deliveries. Only subqueries read the
 * table, because the planner might read all of it for a join.
 */
export function deliveryTurns({
  db,
  rowsOf,
}: SqlDialect): (values: { handlers: string }) => Transaction<DeliveryTurn[]> {
  const unsettled = db.selectFrom('deliveries as one').where('one.due_at', 'is not', null).limit(1);
  const firstDue = (in_lane: 0 | 1) =>
    unsettled
      .select('one.due_at')
      .where('one.handler_id', '=', sql.ref<string>('walk.handler_id'))
      .where('one.source', '=', sql.ref<string>('walk.source'))
      .where('one.in_lane', '=', sql.lit(in_lane))
      .orderBy('one.due_at');
  return statement<{ handlers: string }, DeliveryTurn>((value) =>
    db
      .withRecursive('walk(handler_id, source)', (start) =>
        start
          .selectFrom(rowsOf(value('handlers')))
          .select([
            'listed.value as handler_id',
            unsettled
              .select('one.source')
              .where('one.handler_id', '=', sql.ref<string>('listed.value'))
              .orderBy('one.source')
              .as('source'),
          ])
          .unionAll((step) =>
            step
              .selectFrom('walk')
              .select([
                'walk.handler_id',
                unsettled
                  .select('one.source')
                  .where('one.handler_id', '=', sql.ref<string>('walk.handler_id'))
                  .where('one.source', '>', sql.ref<string>('walk.source'))
                  .orderBy('one.source')
                  .as('source'),
              ])
              .where('walk.source', 'is not', null),
          ),
      )
      .selectFrom('walk')
      .select(['walk.handler_id', 'walk.source', firstDue(0).as('free_due_at'), firstDue(1).as('laned_due_at')])
      .where('walk.source', 'is not', null)
      .$narrowType<{ source: string }>(),
  );
}

/** Returns turns in the order in which a claim takes them: those after `after`, then the others, each sorted by key. */
export function inTurn<T>(turns: readonly T[], keyOf: (turn: T) => string, after = ''): T[] {
  const byKey = new Map(turns.map((turn) => [keyOf(turn), turn]));
  const isBefore = (key: string): number => (key > after ? 0 : 1);
  return [...byKey].sort(([a], [b]) => isBefore(a) - isBefore(b) || (a < b ? -1 : 1)).map(([, turn]) => turn);
}
