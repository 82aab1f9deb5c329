import { sql } from 'kysely';
import type { Settlement } from 'nestjs-runhooks/core';
import { attemptRow, deliveryValues, type DeliveryValues, type SettledDelivery } from '../recording/attempt-rows.js';
import type { EntryAccess } from '../recording/entry-access.js';
import type { SqlDialect } from '../schema/dialect.js';
import { columnsOf, type NewRow } from '../schema/new-row.js';
import { statement } from '../schema/statement.js';
import { countRows } from './count-in-sets.js';
import { byId, givenRows, givenText } from './given-rows.js';

/** An attempt and the next state of its delivery. */
type GivenAttempt = DeliveryValues & Omit<NewRow<'attempts'>, 'attempt' | 'delivery_id'>;

/** Writes the ends of all attempts by one statement. */
export function attemptsInSets(dialect: SqlDialect): EntryAccess['settleDeliveries'] {
  const write = attemptsWriter(dialect);
  // In the order in which leases are renewed, so that neither waits for a row that the other has changed.
  return (settlements) => write({ given: givenText(settlements.map(givenAttempt).sort(byId)) });
}

function givenAttempt(settlement: Settlement): GivenAttempt {
  const { attempt: _, delivery_id: __, ...record } = attemptRow(settlement, 0);
  return { ...deliveryValues(settlement), ...record };
}

/** A first attempt that succeeded is recorded in the row of its delivery. */
function ofFirst(time: 'started_at' | 'finished_at') {
  return sql<
    number | null
  >`case when deliveries.attempts = 1 and given.state = 'succeeded' then ${sql.ref(`given.${time}`)} end`;
}

const SUCCEEDED = sql`
  select source, 'deliveries.succeeded' as kind, finished_at as at from settled where state = 'succeeded'`;

function attemptsWriter(dialect: SqlDialect) {
  const { db } = dialect;
  const recorded = columnsOf('attempts').filter((column) => column !== 'attempt' && column !== 'delivery_id');
  return statement<{ given: string }, SettledDelivery>((value) =>
    db
      .with('given', (step) =>
        step
          .selectFrom(
            givenRows<GivenAttempt, 'rows'>(
              value('given'),
              ['id', 'lease', 'state', 'due_at', 'waiting_for', ...recorded],
              'rows',
            ),
          )
          .selectAll(),
      )
      .with('settled', (step) =>
        step
          .updateTable('deliveries')
          .from('given')
          .set((eb) => ({
            state: eb.ref('given.state'),
            due_at: eb.ref('given.due_at'),
            lease: null,
            waiting_for: eb.ref('given.waiting_for'),
            attempts: sql<number>`deliveries.attempts - case when given.waiting_for is null then 0 else 1 end`,
            waiting_since: sql<
              number | null
            >`case when given.waiting_for is not null then coalesce(deliveries.waiting_since, given.finished_at) end`,
            started_at: ofFirst('started_at'),
            finished_at: ofFirst('finished_at'),
          }))
          .whereRef('deliveries.id', '=', 'given.id')
          .whereRef('deliveries.lease', '=', 'given.lease')
          .returning(['deliveries.id', 'deliveries.attempts', 'deliveries.event_id', 'deliveries.source'])
          .returning(['given.lease', 'given.state', 'given.finished_at']),
      )
      .with('attempted', (step) =>
        step
          .insertInto('attempts')
          .columns(['delivery_id', 'attempt', ...recorded])
          .expression((eb) =>
            eb
              .selectFrom('settled')
              .innerJoin('given', (join) =>
                join.onRef('given.id', '=', 'settled.id').onRef('given.lease', '=', 'settled.lease'),
              )
              .where(sql<boolean>`not (settled.attempts = 1 and given.state = 'succeeded')`)
              .where('given.waiting_for', 'is', null)
              .select(['settled.id', 'settled.attempts', ...recorded.map((column) => `given.${column}` as const)]),
          ),
      )
      .with('counted', (step) => countRows(step as never, SUCCEEDED, dialect))
      .selectFrom('settled')
      .select(['id', 'attempts', 'event_id', 'lease']),
  );
}
