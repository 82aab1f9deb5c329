import type { FoundCount, InboxCounts } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import type { SeriesTable } from '../schema/series-table.js';
import { statement, type Transaction } from '../schema/statement.js';
import { listRefusals } from '../accept/count-refusals.js';
import { IS_RARE_ACTION, IS_RARE_DELIVERY, IS_RARE_MESSAGE } from '../rows/rare-states.js';
import { TOTAL_MINUTE } from '../series/add-to-series.js';
import { totalOf } from '../series/total-of.js';

type Counted =
  | 'stored'
  | 'parsed'
  | 'test'
  | 'unrecognized'
  | 'quarantined'
  | 'erased'
  | 'events'
  | 'pending'
  | 'succeeded'
  | 'skipped'
  | 'dead'
  | 'dismissed'
  | 'tasks'
  | 'intended'
  | 'sent'
  | 'unknown'
  | 'answered'
  | 'refused';

/**
 * Counts the rows of the inbox by state, as of one moment. Rows in the usual state after their work are many, so their numbers
 * are totals of the series. Unfinished rows and those in rare states are few, and are counted in indexes that contain no
 * others. So the cost does not grow with the inbox.
 */
export function countInbox(dialect: SqlDialect): () => Transaction<InboxCounts> {
  const { db } = dialect;
  const refusals = listRefusals(dialect);
  const count = statement<object, Record<Counted, number | null>>(() =>
    db.selectNoFrom((eb) => {
      const all = eb.fn.countAll<number>().as('count');
      const messages = eb.selectFrom('messages').select(all);
      const deliveries = eb.selectFrom('deliveries').select(all);
      const messagesIn = (state: 'test' | 'unrecognized' | 'quarantined' | 'erased') =>
        messages.where('state', '=', state).where(IS_RARE_MESSAGE).as(state);
      const deliveriesIn = (state: 'skipped' | 'dead' | 'dismissed') =>
        deliveries.where('state', '=', state).where(IS_RARE_DELIVERY).as(state);
      const actionsIn = (state: 'intended' | 'sent' | 'unknown') =>
        eb.selectFrom('actions').select(all).where('state', '=', state).where(IS_RARE_ACTION).as(state);
      return [
        messages.where('due_at', 'is not', null).as('stored'),
        totalOf(db, 'messages.parsed').as('parsed'),
        messagesIn('test'),
        messagesIn('unrecognized'),
        messagesIn('quarantined'),
        messagesIn('erased'),
        totalOf(db, 'events').as('events'),
        deliveries.where('due_at', 'is not', null).as('pending'),
        totalOf(db, 'deliveries.succeeded').as('succeeded'),
        deliveriesIn('skipped'),
        deliveriesIn('dead'),
        deliveriesIn('dismissed'),
        eb.selectFrom('tasks').select(all).as('tasks'),
        actionsIn('intended'),
        actionsIn('sent'),
        actionsIn('unknown'),
        totalOf(db, 'actions.answered').as('answered'),
        totalOf(db, 'actions.refused').as('refused'),
      ];
    }),
  );
  const found = foundRuns(dialect);
  return function* () {
    const [row] = yield* count({});
    const of = (what: Counted): number => Number(row?.[what] ?? 0);
    return {
      messages: {
        stored: of('stored'),
        parsed: of('parsed'),
        test: of('test'),
        unrecognized: of('unrecognized'),
        quarantined: of('quarantined'),
        erased: of('erased'),
      },
      events: of('events'),
      deliveries: {
        pending: of('pending'),
        succeeded: of('succeeded'),
        skipped: of('skipped'),
        dead: of('dead'),
        dismissed: of('dismissed'),
      },
      checks: of('tasks'),
      actions: {
        intended: of('intended'),
        sent: of('sent'),
        answered: of('answered'),
        refused: of('refused'),
        unknown: of('unknown'),
      },
      refusals: yield* refusals(),
      foundBySweep: yield* found({}),
    };
  };
}

function foundRuns({ db }: SqlDialect): (values: object) => Transaction<FoundCount[]> {
  const find = statement<object, Pick<SeriesTable, 'source'> & { runs: number }>(() =>
    db
      .selectFrom('series')
      .select((eb) => ['source', eb.fn.sum<number>('amount').as('runs')])
      .where('minute', '=', TOTAL_MINUTE)
      .where('kind', '=', 'runs.found')
      .groupBy('source')
      .orderBy('source'),
  );
  return function* () {
    return (yield* find({})).map(({ source, runs }) => ({ source, runs: Number(runs) }));
  };
}
