import { sql } from 'kysely';
import type { SqlDialect } from '../schema/dialect.js';
import type { DeliveriesTable } from '../schema/schema.js';
import { statement, type Transaction } from '../schema/statement.js';

/** A source that has messages to be read, and when the first of them is due. */
export interface MessageTurn {
  readonly source: string;
  readonly due_at: number;
}

/** A handler and a source that has deliveries for it, and when the first of them is due: outside of lanes, and in them. */
export type DeliveryTurn = Pick<DeliveriesTable, 'handler_id' | 'source'> & {
  readonly free_due_at: number | null;
  readonly laned_due_at: number | null;
};

/** When the first delivery of a turn is due; none without any. */
export function dueAtOf({ free_due_at, laned_due_at }: DeliveryTurn): number {
  return Math.min(free_due_at ?? Infinity, laned_due_at ?? Infinity);
}

/** The sources that have something, one step in the index for each of those named. */
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
 * The handlers and sources that have something: a walk from one to the next in the index, so that it costs the same
 * however much there is of each. Sources that are no longer configured are among them. Only subqueries look into the
 * table, for a join might come to read all of it.
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

/** Turns as a claim takes them: first the ones after `after`, then the others, both in the order of their keys. */
export function inTurn<T>(turns: readonly T[], keyOf: (turn: T) => string, after = ''): T[] {
  const byKey = new Map(turns.map((turn) => [keyOf(turn), turn]));
  const isBefore = (key: string): number => (key > after ? 0 : 1);
  return [...byKey].sort(([a], [b]) => isBefore(a) - isBefore(b) || (a < b ? -1 : 1)).map(([, turn]) => turn);
}
