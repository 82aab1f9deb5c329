import type { Settlement } from 'nestjs-runhooks/core';
import { sql } from 'kysely';
import type { SqlDialect } from '../schema/dialect.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import type { DeliveriesTable, EventsTable } from '../schema/schema.js';
import { change, statement, type Transaction } from '../schema/statement.js';
import { addToSeries, type Counted } from '../series/add-to-series.js';
import { insertEvent, type EventOrigin } from '../rows/insert-event.js';

/** Delivery whose attempt has ended. */
export type SettledDelivery = Pick<DeliveriesTable, 'id' | 'attempts' | 'event_id'> & { lease: string };

/** Writes the ends of attempts. Returns the deliveries whose lease has not been lost. */
export type WriteAttempts = (settlements: readonly Settlement[]) => Transaction<SettledDelivery[]>;

/**
 * Records attempts, and the next states of their deliveries. Returns for each whether it was written: not if its lease has
 * been lost.
 */
export function settleDeliveries(
  dialect: SqlDialect,
  write: WriteAttempts,
): (settlements: readonly Settlement[], now: Date) => Transaction<boolean[]> {
  const findOrigin = originFinder(dialect);
  const insert = insertEvent(dialect);
  return function* (settlements, now) {
    // A process can settle an attempt beside the one that has taken its delivery over.
    const settled = new Map((yield* write(settlements)).map((delivery) => [keyOf(delivery), delivery]));
    for (const { deliveryId: id, lease, next } of settlements) {
      const delivery = settled.get(keyOf({ id, lease }));
      if (!delivery || next.state !== 'dead' || !next.event) continue;
      const [origin] = yield* findOrigin({ id: delivery.event_id });
      if (origin) yield* insert(next.event, origin, now);
    }
    return settlements.map(({ deliveryId: id, lease }) => settled.has(keyOf({ id, lease })));
  };
}

function keyOf({ id, lease }: { id: string; lease: string }): string {
  return `${id} ${lease}`;
}

/**
 * Writes one attempt after the other, for an engine in the process of the app. Most deliveries succeed at once, so a first
 * attempt that succeeded is recorded in the row of its delivery.
 */
export function attemptsRowByRow(dialect: SqlDialect): WriteAttempts {
  const settle = deliverySettler(dialect);
  const insertAttempt = attemptInserter(dialect);
  const count = addToSeries(dialect);
  return function* (settlements) {
    const settled: SettledDelivery[] = [];
    const counted: Counted[] = [];
    for (const settlement of settlements) {
      const [row] = yield* settle(settledValues(settlement));
      if (!row) continue;
      const { source, ...delivery } = row;
      settled.push({ ...delivery, lease: settlement.lease });
      const hasSucceeded = settlement.next.state === 'succeeded';
      if (hasSucceeded) counted.push(succeeded(source, settlement));
      if (!hasSucceeded || delivery.attempts > 1) yield* insertAttempt(attemptRow(settlement, delivery.attempts));
    }
    yield* count(counted);
    return settled;
  };
}

function succeeded(source: string, { attempt }: Settlement): Counted {
  return { kind: 'deliveries.succeeded', source, amount: 1, atMs: attempt.finishedAt.getTime() };
}

/** Values of a delivery whose attempt has ended. */
export type SettledValues = Pick<DeliveriesTable, 'id' | 'state' | 'due_at' | 'started_at' | 'finished_at'> & {
  lease: string;
};

export function settledValues({ deliveryId: id, lease, attempt, next }: Settlement): SettledValues {
  const due_at = next.state === 'pending' ? next.dueAt.getTime() : null;
  const [started_at, finished_at] = [attempt.startedAt.getTime(), attempt.finishedAt.getTime()];
  return { id, lease, state: next.state, due_at, started_at, finished_at };
}

export function attemptRow({ deliveryId, attempt: record }: Settlement, attempt: number): NewRow<'attempts'> {
  const { startedAt, finishedAt, outcome, error } = record;
  return {
    delivery_id: deliveryId,
    attempt,
    started_at: startedAt.getTime(),
    finished_at: finishedAt.getTime(),
    outcome,
    error_name: error?.name ?? null,
    error_message: error?.message ?? null,
    error_stack: error?.stack ?? null,
  };
}

function deliverySettler({ db }: SqlDialect) {
  return statement<SettledValues, Omit<SettledDelivery, 'lease'> & Pick<DeliveriesTable, 'source'>>((value) => {
    const ofFirst = (time: 'started_at' | 'finished_at') =>
      sql<
        number | null
      >`case when attempts = 1 and ${value('state')} = 'succeeded' then cast(${value(time)} as bigint) end`;
    return db
      .updateTable('deliveries')
      .set({ state: value('state'), due_at: value('due_at'), lease: null })
      .set({ started_at: ofFirst('started_at'), finished_at: ofFirst('finished_at') })
      .where('id', '=', value('id'))
      .where('lease', '=', value('lease'))
      .returning(['id', 'attempts', 'event_id', 'source']);
  });
}

function attemptInserter({ db }: SqlDialect) {
  return change<NewRow<'attempts'>>((value) => db.insertInto('attempts').values(newRow('attempts', value)));
}

function originFinder({ db }: SqlDialect) {
  return statement<Pick<EventsTable, 'id'>, EventOrigin>((value) =>
    db.selectFrom('events').select(['source', 'provider', 'message_id']).where('id', '=', value('id')),
  );
}
