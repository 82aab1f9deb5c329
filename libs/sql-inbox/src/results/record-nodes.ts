import type { Held, KnownNodes, NewEvent, NodesStep } from 'nestjs-runhooks/core';
import { otherHandlers } from '../processes/register-process.js';
import { derivedRows } from '../recording/derived-rows.js';
import type { EntryAccess } from '../recording/entry-access.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { ResultsTable } from '../schema/provider-tables.js';
import { change, statement, type Transaction } from '../schema/statement.js';
import { workHolder } from './held-delivery.js';
import { laterSuccesses } from './later-successes.js';
import { nodeFinder, nodeRow, nodeSaver } from './node-rows.js';
import { placeLock } from './place-lock.js';
import { runColumns, type RunColumns } from './result-rows.js';

type Position = Pick<ResultsTable, 'state' | 'recorded' | 'finished_at'>;

/**
 * Records some nodes of a run: their states, what follows from them, and the position of the next step. Returns the new events;
 * none if the position differs, and `undefined` if the claim has been lost.
 */
export function recordNodes(
  dialect: SqlDialect,
  { write }: Pick<EntryAccess, 'write'>,
): (held: Held, step: NodesStep, now: Date) => Transaction<readonly NewEvent[] | undefined> {
  const hold = workHolder(dialect);
  const { find, move } = positions(dialect);
  const findKnown = knownFinder(dialect);
  const saveNodes = nodeSaver(dialect);
  return function* (held, step, now) {
    const { run, scope, from, to, isLast = false } = step;
    const { source } = run;
    if (scope !== undefined) yield* dialect.locks.takeAll([placeLock({ source, scope })]);
    const origin = yield* hold(held);
    if (!origin) return undefined;
    const [position] = yield* find(runColumns(run));
    if (position?.state !== 'recording' || position.recorded !== from) return [];
    const decision = step.decide(yield* findKnown(step, position.finished_at));
    if (scope !== undefined) {
      yield* saveNodes(Array.from(decision.nodes, ([nodeId, state]) => nodeRow({ source, scope, nodeId }, state)));
    }
    const fresh = yield* write({ parsed: [], found: [], jobs: [], runs: [], ...derivedRows(decision, origin, now) });
    const state = isLast ? 'recorded' : 'recording';
    yield* move({ ...runColumns(run), state, recorded: to, updated_at: now.getTime() });
    return decision.events.filter(({ id }) => fresh.delete(id));
  };
}

function positions({ db, locking }: SqlDialect) {
  const find = statement<RunColumns, Position>((value) =>
    locking(
      db
        .selectFrom('results')
        .select(['state', 'recorded', 'finished_at'])
        .where('source', '=', value('source'))
        .where('account_id', '=', value('account_id'))
        .where('run_id', '=', value('run_id')),
    ),
  );
  const move = change<RunColumns & Pick<ResultsTable, 'state' | 'recorded' | 'updated_at'>>((value) =>
    db
      .updateTable('results')
      .set({ state: value('state'), recorded: value('recorded'), updated_at: value('updated_at') })
      .where('source', '=', value('source'))
      .where('account_id', '=', value('account_id'))
      .where('run_id', '=', value('run_id')),
  );
  return { find, move };
}

/** Finds what the decision about a step has to know. */
function knownFinder(dialect: SqlDialect) {
  const findNodes = nodeFinder(dialect);
  const findSuccesses = laterSuccesses(dialect);
  const findOthers = otherHandlers(dialect);
  return function* ({ run, scope, nodeIds, handlers }: NodesStep, finishedAt: number): Transaction<KnownNodes> {
    const others = yield* findOthers(handlers);
    const otherwise = others.length > 0 && { otherHandlers: others };
    if (scope === undefined) return { nodes: new Map(), laterSuccesses: new Map(), ...otherwise };
    return {
      nodes: yield* findNodes(run.source, scope, nodeIds),
      laterSuccesses: yield* findSuccesses(run.source, scope, finishedAt, nodeIds),
      ...otherwise,
    };
  };
}
