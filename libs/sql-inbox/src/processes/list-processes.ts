import { handlerIdOf, type ProcessSummary, type MissingHandler } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { toProcessSummary, versionsOf } from '../rows/rows.js';
import type { ProcessesTable } from '../schema/schema.js';
import { statement, type Transaction } from '../schema/statement.js';

/** Lists running processes in the order in which they started. */
export function listProcesses(dialect: SqlDialect): (seenFrom: Date) => Transaction<ProcessSummary[]> {
  const find = livingProcesses(dialect);
  return function* (seenFrom) {
    return (yield* find({ from: seenFrom.getTime() })).map(toProcessSummary);
  };
}

/** Lists handlers that no running worker has, with the waiting work, sorted by id. */
export function listMissingHandlers(dialect: SqlDialect): (seenFrom: Date) => Transaction<MissingHandler[]> {
  const find = livingProcesses(dialect);
  const { countDeliveries, countTasks } = waitingCounts(dialect);
  return function* (seenFrom) {
    const workers = (yield* find({ from: seenFrom.getTime() })).filter(({ role }) => role !== 'receiver');
    const versions = workers.flatMap(versionsOf);
    // A task is for a handler, or for one version of a handler.
    const present = new Set([...versions, ...versions.map(handlerIdOf)]);
    const waiting = new Map<string, MissingHandler>();
    const add = (handler: string, count: Partial<MissingHandler>): void => {
      if (present.has(handler)) return;
      const handlerId = handlerIdOf(handler);
      const { deliveries = 0, checks = 0 } = waiting.get(handlerId) ?? {};
      const more = { deliveries: deliveries + (count.deliveries ?? 0), checks: checks + (count.checks ?? 0) };
      waiting.set(handlerId, { handlerId, ...more });
    };
    for (const { handler_id, count } of yield* countDeliveries({})) add(handler_id, { deliveries: Number(count) });
    for (const { handler_id, count } of yield* countTasks({})) add(handler_id, { checks: Number(count) });
    return [...waiting.values()].sort((a, b) => (a.handlerId < b.handlerId ? -1 : 1));
  };
}

function livingProcesses({ db }: SqlDialect) {
  return statement<{ from: number }, ProcessesTable>((value) =>
    db.selectFrom('processes').selectAll().where('seen_at', '>=', value('from')).orderBy('started_at').orderBy('id'),
  );
}

function waitingCounts({ db }: SqlDialect) {
  const countDeliveries = statement<object, { handler_id: string; count: number }>(() =>
    db
      .selectFrom('deliveries')
      .select((eb) => ['handler_id', eb.fn.countAll<number>().as('count')])
      .where('due_at', 'is not', null)
      .groupBy('handler_id'),
  );
  const countTasks = statement<object, { handler_id: string; count: number }>(() =>
    db
      .selectFrom('tasks')
      .select((eb) => ['handler_id', eb.fn.countAll<number>().as('count')])
      .groupBy('handler_id'),
  );
  return { countDeliveries, countTasks };
}
