import type { Held, NewResults, SavedResults } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import type { HandlersTable } from '../schema/schema.js';
import { change, statement, type Transaction } from '../schema/statement.js';
import { workHolder } from './held-delivery.js';
import { incidentFinder } from './open-incident.js';
import { placeLock } from './place-lock.js';
import { resultsFinder, RUN_KEY, runColumns, toSavedResults, type RunColumns, type SavedRow } from './result-rows.js';

type Unread = Extract<NewResults['content'], { state: 'unread' }>;

/** Step of saving the results of a run. */
export interface SavingStep {
  /** Number of the first of {@link parts}. */
  readonly firstPart: number;
  /** Failed and warned nodes as JSON texts. */
  readonly parts: readonly string[];
  /** Whether the results are complete after the step. */
  readonly isLast: boolean;
}

/** Saves a part of the results of a run, unless they are being recorded or were. */
export function saveResults(
  dialect: SqlDialect,
): (
  held: Held,
  results: NewResults,
  step: SavingStep,
  now: Date,
) => Transaction<SavedResults | 'begun' | 'wanted' | undefined> {
  const { db, locks } = dialect;
  const hold = workHolder(dialect);
  const find = resultsFinder(dialect, dialect.locking);
  const areWanted = wantedFinder(dialect);
  const save = change<NewRow<'results'>>((value) => {
    const { source, account_id, run_id, ...changing } = newRow('results', value);
    return db
      .insertInto('results')
      .values({ source, account_id, run_id, ...changing })
      .onConflict((conflict) => conflict.columns(RUN_KEY).doUpdateSet(changing));
  });
  const savePart = change<NewRow<'result_nodes'>>((value) =>
    db.insertInto('result_nodes').values(newRow('result_nodes', value)),
  );
  const removeParts = change<RunColumns>((value) =>
    db
      .deleteFrom('result_nodes')
      .where('source', '=', value('source'))
      .where('account_id', '=', value('account_id'))
      .where('run_id', '=', value('run_id')),
  );
  return function* (held, results, { firstPart, parts, isLast }, now) {
    const { run, scope, content } = results;
    if (scope !== undefined) yield* locks.takeAll([placeLock({ source: run.source, scope })]);
    if (!(yield* hold(held))) return undefined;
    const known = yield* find(run);
    if (known && known.state !== 'unread') return known;
    if (content.state === 'unread' && (yield* areWanted(results, content))) return 'wanted';
    const row = resultsRow(results, now);
    yield* save(isLast ? row : { ...row, state: 'saving', good: null, skipped: null });
    // An earlier call may have been interrupted.
    if (firstPart === 0) yield* removeParts(runColumns(run));
    for (const [index, nodes] of parts.entries()) {
      yield* savePart({ ...runColumns(run), part: firstPart + index, nodes });
    }
    return isLast ? toSavedResults(row) : 'begun';
  };
}

/** Returns whether results are wanted although the process does not need them: for an incident, or by another process. */
function wantedFinder(dialect: SqlDialect) {
  const { db, list, isOneOf } = dialect;
  const findIncident = incidentFinder(dialect);
  // The subscriptions are JSON, in which the type of an event is a string.
  const findOthers = statement<{ versions: string }, Pick<HandlersTable, 'version'>>((value) =>
    db
      .selectFrom('handlers')
      .select('version')
      .where('subscriptions', 'like', '%"run.results"%')
      .where((eb) => eb.not(isOneOf(eb.ref('version'), value('versions'))))
      .limit(1),
  );
  return function* ({ run, scope }: NewResults, { observedSince, handlers }: Unread): Transaction<boolean> {
    if (scope !== undefined && (yield* findIncident({ source: run.source, scope }, observedSince))) return true;
    return (yield* findOthers({ versions: list(handlers) })).length > 0;
  };
}

function resultsRow({ run, scope, finishedAt, content }: NewResults, now: Date): SavedRow {
  const available = content.state === 'available' ? content : undefined;
  return {
    ...runColumns(run),
    state: content.state === 'unread' ? 'unread' : 'recording',
    scope: scope ?? null,
    finished_at: finishedAt.getTime(),
    reason: content.state === 'missing' ? content.reason : null,
    failing: available?.failing.length ?? 0,
    recorded: 0,
    updated_at: now.getTime(),
    counts: available ? JSON.stringify(available.counts) : null,
    good: available ? JSON.stringify(available.good) : null,
    skipped: available ? JSON.stringify(available.skipped) : null,
  };
}
