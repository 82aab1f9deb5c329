import {
  NOT_RECORDED,
  type Entry,
  type JobRecord,
  type NewEvent,
  type Recorded,
  type Recording,
  type RunDecision,
  type Settlement,
} from 'nestjs-runhooks/core';
import { answerMarked, type MarkedRun } from '../actions/answer-marked.js';
import type { EventOrigin } from '../rows/insert-event.js';
import { jobRow, keyOfJob, keyOfRun, runRow } from '../rows/run-and-job-rows.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { EventsTable } from '../schema/schema.js';
import { statement, type Transaction } from '../schema/statement.js';
import { derivedRows } from './derived-rows.js';
import { jobKeysOf, type EntryAccess, type EntryRows, type KnownStates } from './entry-access.js';
import type { SettledMessage } from './message-rows.js';

/** Entry whose claim has not been lost. */
interface LiveEntry {
  /** Origin of the events that follow from it; absent if it decides nothing. */
  readonly origin?: EventOrigin;
  /** Its message, if it is a recording. */
  readonly message?: SettledMessage;
  decision: RunDecision;
}

type LiveEntries = ReadonlyMap<Entry, LiveEntry>;

const NOTHING: RunDecision = { events: [] };

/**
 * Records how claimed work has ended, in one transaction: new states of messages and deliveries, and what is decided with
 * them: runs and jobs, new events with their deliveries, and tasks. A later entry sees what an earlier one has decided.
 */
export function recordEntries(
  dialect: SqlDialect,
  access: EntryAccess,
): (entries: readonly Entry[], now: Date) => Transaction<Recorded[]> {
  const endClaims = claimEnder(dialect, access);
  const answer = answerMarked(dialect);
  return function* (entries, now) {
    // The locks come first, because their holder alone decides about the jobs and their runs.
    let locked = yield* access.lock(entries);
    yield* dialect.locks.takeAll([...new Set(entries.flatMap(({ locks = [] }) => locks))]);
    const live = yield* endClaims(entries);
    const deciding = [...live].flatMap(([entry, { origin }]) => (origin ? [entry] : []));
    if (deciding.length > 0) {
      let state = yield* access.known(deciding);
      // While the locks were waited for, a key may have become an alias of a job that is not locked yet.
      while (locked && !areLocked(deciding, state, locked)) {
        locked = yield* access.lock(deciding);
        state = yield* access.known(deciding);
      }
      for (const entry of deciding) (live.get(entry) as LiveEntry).decision = decide(entry, state);
    }
    const fresh = yield* access.write(rowsOf(live, now));
    yield* answer(markedRuns(live), now);
    return entries.map((entry) => resultOf(live.get(entry), fresh));
  };
}

/** Writes the new states of messages and deliveries, and returns the entries whose claim has not been lost. */
function claimEnder(dialect: SqlDialect, access: EntryAccess): (entries: readonly Entry[]) => Transaction<LiveEntries> {
  const findOrigin = originFinder(dialect);
  return function* (entries) {
    // Of two entries about one claim, the first one ends it.
    const byClaim = new Map<string, Entry>();
    for (const entry of entries) if (!byClaim.has(claimOf(entry))) byClaim.set(claimOf(entry), entry);
    const firsts = [...byClaim.values()];
    const recordings = firsts.filter(isRecording);
    const settlements = firsts.filter((entry): entry is Settlement => !isRecording(entry));
    const messages = recordings.length > 0 ? yield* access.settleMessages(recordings) : [];
    const deliveries = settlements.length > 0 ? yield* access.settleDeliveries(settlements) : [];
    const settledByClaim = new Map([...messages, ...deliveries].map((one) => [`${one.id} ${one.lease}`, one]));
    const live = new Map<Entry, LiveEntry>();
    for (const [claim, entry] of byClaim) {
      const settled = settledByClaim.get(claim);
      if (!settled) continue;
      if ('provider' in settled) {
        const { id: message_id, source, provider } = settled;
        live.set(entry, { origin: { source, provider, message_id }, message: settled, decision: NOTHING });
      } else {
        // Most attempts decide nothing, so that the origin of their events is not needed.
        const [origin] = entry.decide ? yield* findOrigin({ id: settled.event_id }) : [];
        live.set(entry, { ...(origin && { origin }), decision: NOTHING });
      }
    }
    return live;
  };
}

function isRecording(entry: Entry): entry is Recording {
  return 'messageId' in entry;
}

function claimOf(entry: Entry): string {
  return `${isRecording(entry) ? entry.messageId : entry.deliveryId} ${entry.lease}`;
}

/** Whether all jobs are locked that the entries are about, according to what is known. */
function areLocked(entries: readonly Entry[], known: KnownStates, locked: ReadonlySet<string>): boolean {
  return entries.every((entry) => jobKeysOf(entry, known).every((key) => locked.has(keyOfJob(key))));
}

/** Decides about an entry, and notes the new states for the next one. */
function decide(entry: Entry, known: KnownStates): RunDecision {
  const { run, job, handlers } = entry;
  const runState = run && known.runs.get(keyOfRun(run));
  const jobs = new Map<string, JobRecord>();
  for (const key of jobKeysOf(entry, known)) {
    const record = known.jobs.get(keyOfJob(key));
    if (record) jobs.set(key.jobKey, record);
  }
  const otherHandlers = handlers ? known.handlers.filter((version) => !handlers.includes(version)) : [];
  const decision =
    entry.decide?.({
      ...(runState && { run: runState }),
      ...(jobs.size > 0 && { jobs }),
      ...(otherHandlers.length > 0 && { otherHandlers }),
    }) ?? NOTHING;
  if (job) for (const [jobKey, record] of decision.jobs ?? []) known.jobs.set(keyOfJob({ ...job, jobKey }), record);
  if (run && decision.run) known.runs.set(keyOfRun(run), decision.run);
  return decision;
}

/** Returns the rows to write: of each run and job the last state, of each event the first one. */
function rowsOf(live: LiveEntries, now: Date): EntryRows {
  const parsed: EntryRows['parsed'][number][] = [];
  const found: EntryRows['found'][number][] = [];
  const jobs = new Map<string, EntryRows['jobs'][number]>();
  const runs = new Map<string, EntryRows['runs'][number]>();
  const events = new Map<string, EntryRows['events'][number]>();
  const deliveries: EntryRows['deliveries'][number][] = [];
  const tasks: EntryRows['tasks'][number][] = [];
  for (const [entry, { origin, message, decision }] of live) {
    if (!origin) continue;
    const { job, run } = entry;
    const { source } = origin;
    if (message && isRecording(entry) && entry.state === 'parsed') {
      parsed.push({ source, received_at: message.received_at });
    }
    if (message && decision.isFoundBySweep) found.push({ source, received_at: message.received_at });
    if (job) {
      for (const [jobKey, record] of decision.jobs ?? []) {
        const key = { ...job, jobKey };
        jobs.set(keyOfJob(key), jobRow(key, record, now));
      }
    }
    if (run && decision.run) runs.set(keyOfRun(run), runRow(run, decision.run, now));
    const isFirst = ({ id }: NewEvent): boolean => !events.has(id);
    const derived = derivedRows({ ...decision, events: decision.events.filter(isFirst) }, origin, now);
    for (const event of derived.events) events.set(event.id, event);
    deliveries.push(...derived.deliveries);
    tasks.push(...derived.tasks);
  }
  return {
    parsed,
    found,
    jobs: [...jobs.values()],
    runs: [...runs.values()],
    events: [...events.values()],
    deliveries,
    tasks,
  };
}

/** Returns the runs whose reasons have the mark of an action. */
function markedRuns(live: LiveEntries): MarkedRun[] {
  return [...live].flatMap(([{ run }, { decision }]) =>
    run && decision.actionMark !== undefined ? [{ run, mark: decision.actionMark }] : [],
  );
}

function resultOf(entry: LiveEntry | undefined, fresh: Set<string>): Recorded {
  if (!entry) return NOT_RECORDED;
  const { events: wanted, tasks = [], contradicts, isFoundBySweep } = entry.decision;
  const events: NewEvent[] = wanted.filter(({ id }) => fresh.delete(id));
  const idReused = entry.message?.id_reused === 1;
  return {
    recorded: true,
    events,
    tasks,
    idReused,
    ...(contradicts && { contradicts }),
    ...(isFoundBySweep && { isFoundBySweep }),
  };
}

/** Finds where the events come from that follow from an event's delivery. */
function originFinder({ db }: SqlDialect) {
  return statement<Pick<EventsTable, 'id'>, EventOrigin>((value) =>
    db.selectFrom('events').select(['source', 'provider', 'message_id']).where('id', '=', value('id')),
  );
}
