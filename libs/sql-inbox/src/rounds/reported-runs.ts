import type {
  Appended,
  Lacking,
  ReportedMessage,
  NewRunFacts,
  OpenRun,
  ReportedPhase,
  RunKey,
  RunState,
} from 'nestjs-runhooks/core';
import { appendReportedMessage } from '../accept/append-message.js';
import { NO_FACTS, toRunState } from '../rows/rows.js';
import { keyOfRun, runLock } from '../rows/run-and-job-rows.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { MessageKeysTable, RunsTable } from '../schema/schema.js';
import { change, statement, type Transaction } from '../schema/statement.js';

type GivenRun = Pick<RunsTable, 'account_id' | 'run_id'>;

/** Compares phases that a round has found with the rows of their runs, and with the keys of messages. */
export function findLacking(
  dialect: SqlDialect,
): (source: string, phases: readonly ReportedPhase[]) => Transaction<Lacking> {
  const { db, given, list, isOneOf } = dialect;
  // A cross join keeps its order in SQLite. With an inner join it reads all runs of the source for each given one.
  const findRuns = statement<{ source: string; runs: string }, RunsTable>((value) =>
    db
      .selectFrom(given<GivenRun>(value('runs'), ['account_id', 'run_id']))
      .crossJoin('runs')
      .selectAll('runs')
      .where('runs.source', '=', value('source'))
      .whereRef('runs.account_id', '=', 'given.account_id')
      .whereRef('runs.run_id', '=', 'given.run_id'),
  );
  const findKeys = statement<{ source: string; keys: string }, Pick<MessageKeysTable, 'message_key'>>((value) =>
    db
      .selectFrom('message_keys')
      .select('message_key')
      .where('source', '=', value('source'))
      .where((eb) => isOneOf(eb.ref('message_key'), value('keys'))),
  );
  return function* (source, phases) {
    if (phases.length === 0) return { phases: [], withoutFacts: [] };
    const runs = new Map(phases.map((one) => [keyOfRun({ ...one, source }), one]));
    const found = yield* findRuns({
      source,
      runs: list([...runs.values()].map(({ accountId, runId }) => ({ account_id: accountId, run_id: runId }))),
    });
    const states = new Map(found.map((row) => [keyOfRun(keyOf(row)), toRunState(row)]));
    const unknown = phases.filter((one) => !isKnown(one, states.get(keyOfRun({ ...one, source }))));
    const keys = unknown.map(({ messageKey }) => messageKey);
    const stored = keys.length === 0 ? [] : yield* findKeys({ source, keys: list(keys) });
    const isStored = new Set(stored.map(({ message_key }) => message_key));
    return {
      phases: unknown.filter(({ messageKey }) => !isStored.has(messageKey)),
      withoutFacts: found.filter(({ facts }) => facts === NO_FACTS).map(keyOf),
    };
  };
}

function keyOf({ source, account_id: accountId, run_id: runId }: RunsTable): RunKey {
  return { source, accountId, runId };
}

function isKnown({ phase }: ReportedPhase, run: RunState | undefined): boolean {
  if (!run) return false;
  const isComplete = run.types.includes('run.completed');
  if (phase.startsWith('complete:')) return isComplete;
  const isOver = isComplete || run.outcome !== undefined;
  return isOver || (phase === 'running' && run.types.includes('run.started'));
}

/** Stores messages that a round has found, in the order of their keys, so that no two transactions wait for each other. */
export function appendReported(dialect: SqlDialect): (messages: readonly ReportedMessage[]) => Transaction<Appended[]> {
  const append = appendReportedMessage(dialect);
  return function* (messages) {
    const appended = new Map<ReportedMessage, Appended>();
    for (const message of [...messages].sort((a, b) => (a.messageKey < b.messageKey ? -1 : 1))) {
      appended.set(message, yield* append(message, { state: 'stored' }));
    }
    return messages.flatMap((message) => appended.get(message) ?? []);
  };
}

/** Adds facts to runs that have none, under the locks under which messages about these runs are recorded. */
export function addFacts({ db, locks }: SqlDialect): (facts: readonly NewRunFacts[]) => Transaction<void> {
  type Row = Pick<RunsTable, 'source' | 'account_id' | 'run_id' | 'facts' | 'retry_of'>;
  const add = change<Row>((value) =>
    db
      .updateTable('runs')
      .set((eb) => ({
        facts: value('facts'),
        // An action may have written it before.
        retry_of: eb.fn.coalesce(eb.val(value('retry_of')), 'retry_of'),
      }))
      .where('source', '=', value('source'))
      .where('account_id', '=', value('account_id'))
      .where('run_id', '=', value('run_id'))
      .where('facts', '=', NO_FACTS),
  );
  return function* (all) {
    yield* locks.takeAll(all.map(({ run }) => runLock(run)));
    for (const { run, facts, retryOf } of all) {
      const { source, accountId: account_id, runId: run_id } = run;
      yield* add({ source, account_id, run_id, facts: JSON.stringify(facts), retry_of: retryOf ?? null });
    }
  };
}

/** Finds runs that have started and not ended. The index has only runs without an outcome. */
export function findOpenRuns({ db }: SqlDialect): (source: string, limit: number) => Transaction<OpenRun[]> {
  const find = statement<{ source: string; limit: number }, RunsTable>((value) =>
    db
      .selectFrom('runs')
      .selectAll()
      .where('source', '=', value('source'))
      .where('outcome', 'is', null)
      .where('types', 'like', '%"run.started"%')
      .where('types', 'not like', '%"run.completed"%')
      .orderBy('updated_at')
      .limit(value('limit')),
  );
  return function* (source, limit) {
    return (yield* find({ source, limit })).map((row) => ({
      accountId: row.account_id,
      runId: row.run_id,
      jobKey: row.job_key,
      ...(row.started_at !== null && { startedAt: new Date(row.started_at) }),
    }));
  };
}
