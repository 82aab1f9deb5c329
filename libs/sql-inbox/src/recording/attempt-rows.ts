import type { Settlement } from 'nestjs-runhooks/core';
import { sql } from 'kysely';
import { SQL_LIMITS } from '../limits.js';
import type { SqlDialect } from '../schema/dialect.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import type { DeliveriesTable } from '../schema/schema.js';
import { change, statement, type Transaction } from '../schema/statement.js';
import { addToSeries, type Counted } from '../series/add-to-series.js';

/** Delivery whose attempt has ended. */
export type SettledDelivery = Pick<DeliveriesTable, 'id' | 'attempts' | 'event_id'> & { lease: string };

/**
 * Writes one attempt after the other, for an engine in the process of the app. Most deliveries succeed at once, so a first
 * attempt that succeeded is recorded in the row of its delivery. An attempt that was not counted is recorded nowhere.
 */
export function attemptsRowByRow(
  dialect: SqlDialect,
): (settlements: readonly Settlement[]) => Transaction<SettledDelivery[]> {
  const settle = deliverySettler(dialect);
  const insertAttempt = attemptInserter(dialect);
  const count = addToSeries(dialect);
  return function* (settlements) {
    const settled: SettledDelivery[] = [];
    const counted: Counted[] = [];
    for (const settlement of settlements) {
      const [row] = yield* settle(deliveryValues(settlement));
      if (!row) continue;
      const { source, ...delivery } = row;
      settled.push({ ...delivery, lease: settlement.lease });
      if (isWaiting(settlement)) continue;
      const hasSucceeded = settlement.next.state === 'succeeded';
      if (hasSucceeded) counted.push(succeeded(source, settlement));
      if (!hasSucceeded || delivery.attempts > 1) yield* insertAttempt(attemptRow(settlement, delivery.attempts));
    }
    yield* count(counted);
    return settled;
  };
}

/** Returns whether an attempt found that it must wait, and so is not counted. */
function isWaiting({ next }: Settlement): boolean {
  return next.state === 'pending' && next.waitingFor !== undefined;
}

function succeeded(source: string, { attempt }: Settlement): Counted {
  return { kind: 'deliveries.succeeded', source, amount: 1, atMs: attempt.finishedAt.getTime() };
}

/** Values of a delivery whose attempt has ended. */
export type DeliveryValues = Pick<
  DeliveriesTable,
  'id' | 'state' | 'due_at' | 'waiting_for' | 'started_at' | 'finished_at'
> & { lease: string };

export function deliveryValues({ deliveryId: id, lease, attempt, next }: Settlement): DeliveryValues {
  const isPending = next.state === 'pending';
  const due_at = isPending ? next.dueAt.getTime() : null;
  const waiting_for = (isPending ? next.waitingFor?.slice(0, SQL_LIMITS.waitingForCharsMax) : undefined) ?? null;
  const [started_at, finished_at] = [attempt.startedAt.getTime(), attempt.finishedAt.getTime()];
  return { id, lease, state: next.state, due_at, waiting_for, started_at, finished_at };
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
  return statement<DeliveryValues, Omit<SettledDelivery, 'lease'> & Pick<DeliveriesTable, 'source'>>((value) => {
    const ofFirst = (time: 'started_at' | 'finished_at') =>
      sql<
        number | null
      >`case when attempts = 1 and ${value('state')} = 'succeeded' then cast(${value(time)} as bigint) end`;
    return db
      .updateTable('deliveries')
      .set({ state: value('state'), due_at: value('due_at'), lease: null, waiting_for: value('waiting_for') })
      .set({
        attempts: sql<number>`attempts - case when cast(${value('waiting_for')} as text) is null then 0 else 1 end`,
        waiting_since: sql<
          number | null
        >`case when cast(${value('waiting_for')} as text) is not null then coalesce(waiting_since, cast(${value('finished_at')} as bigint)) end`,
      })
      .set({ started_at: ofFirst('started_at'), finished_at: ofFirst('finished_at') })
      .where('id', '=', value('id'))
      .where('lease', '=', value('lease'))
      .returning(['id', 'attempts', 'event_id', 'source']);
  });
}

function attemptInserter({ db }: SqlDialect) {
  return change<NewRow<'attempts'>>((value) => db.insertInto('attempts').values(newRow('attempts', value)));
}
