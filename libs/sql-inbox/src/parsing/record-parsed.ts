import type { JobRecord, NewEvent, Recorded, Recording, RunDecision } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import type { Transaction } from '../schema/statement.js';
import { otherHandlers } from '../processes/register-process.js';
import { deliveryRow, eventRow } from '../rows/insert-event.js';
import { jobRow, keyOfJob, keyOfRun, runRow } from '../rows/run-and-job-rows.js';
import { taskRow } from '../tasks/insert-task.js';
import {
  jobKeysOf,
  type KnownStates,
  type ParsedAccess,
  type ParsedRows,
  type SettledMessage,
} from './parsed-access.js';

/** Decision about a recording, before its events are known to be new. */
interface Decided {
  readonly message: SettledMessage;
  readonly decision: RunDecision;
}

/** Result of a recording of which nothing was written. */
export const NOT_RECORDED: Recorded = { recorded: false, events: [], tasks: [], idReused: false };

/**
 * Records parsed messages in one transaction: their new states, runs and jobs, new events with their deliveries, and tasks.
 * A later recording of the same job or run sees what an earlier one has decided.
 */
export function recordParsed(
  dialect: SqlDialect,
  access: ParsedAccess,
): (recordings: readonly Recording[], now: Date) => Transaction<Recorded[]> {
  const findOthers = otherHandlers(dialect);

  return function* (recordings, now) {
    // The locks come first, because their holder alone decides about the jobs and their runs.
    let locked = yield* access.lock(recordings);
    const settled = yield* access.settle(recordings);
    const messages = new Map(settled.map((message) => [`${message.id} ${message.lease}`, message]));
    const messageOf = ({ messageId, lease }: Recording): SettledMessage | undefined =>
      messages.get(`${messageId} ${lease}`);
    const live = recordings.filter(messageOf);
    let state = yield* access.known(live);
    // While the locks were waited for, a key may have become an alias of a job that is not locked yet.
    while (locked && !areLocked(live, state, locked)) {
      locked = yield* access.lock(live);
      state = yield* access.known(live);
    }
    const others = new Map<string, readonly string[]>();
    const decided = new Map<Recording, Decided>();
    for (const recording of live) {
      const message = messageOf(recording) as SettledMessage;
      const key = recording.handlers?.join('\n');
      if (key !== undefined && !others.has(key)) others.set(key, yield* findOthers(recording.handlers ?? []));
      decided.set(recording, { message, decision: decide(recording, state, others.get(key ?? '') ?? []) });
    }
    const fresh = yield* access.write(rowsOf(decided, now));
    return recordings.map((recording) => resultOf(decided.get(recording), fresh));
  };
}

/** Whether all jobs are locked that the recordings are about, according to what is known. */
function areLocked(recordings: readonly Recording[], known: KnownStates, locked: ReadonlySet<string>): boolean {
  return recordings.every((recording) => jobKeysOf(recording, known).every((key) => locked.has(keyOfJob(key))));
}

/** Decides about a recording, and notes the new states for the next one. */
function decide(recording: Recording, known: KnownStates, others: readonly string[]): RunDecision {
  const { run, job } = recording;
  const runState = run && known.runs.get(keyOfRun(run));
  const jobs = new Map<string, JobRecord>();
  for (const key of jobKeysOf(recording, known)) {
    const record = known.jobs.get(keyOfJob(key));
    if (record) jobs.set(key.jobKey, record);
  }
  const decision = recording.decide({
    ...(runState && { run: runState }),
    ...(jobs.size > 0 && { jobs }),
    ...(others.length > 0 && { otherHandlers: others }),
  });
  if (job) for (const [jobKey, record] of decision.jobs ?? []) known.jobs.set(keyOfJob({ ...job, jobKey }), record);
  if (run && decision.run) known.runs.set(keyOfRun(run), decision.run);
  return decision;
}

/** Returns the rows to write: of each run and job the last state, of each event the first one. */
function rowsOf(decided: ReadonlyMap<Recording, Decided>, now: Date): ParsedRows {
  const parsed: ParsedRows['parsed'][number][] = [];
  const jobs = new Map<string, ParsedRows['jobs'][number]>();
  const runs = new Map<string, ParsedRows['runs'][number]>();
  const events = new Map<string, ParsedRows['events'][number]>();
  const deliveries: ParsedRows['deliveries'][number][] = [];
  const tasks: ParsedRows['tasks'][number][] = [];
  for (const [{ job, run, state }, { message, decision }] of decided) {
    const origin = { source: message.source, provider: message.provider, message_id: message.id };
    if (state === 'parsed') parsed.push({ source: message.source, received_at: message.received_at });
    if (job) {
      for (const [jobKey, record] of decision.jobs ?? []) {
        const key = { ...job, jobKey };
        jobs.set(keyOfJob(key), jobRow(key, record, now));
      }
    }
    if (run && decision.run) runs.set(keyOfRun(run), runRow(run, decision.run, now));
    for (const event of decision.events) {
      if (events.has(event.id)) continue;
      events.set(event.id, eventRow(event, origin, now));
      const delivered = { eventId: event.id, source: message.source };
      for (const delivery of event.deliveries) deliveries.push(deliveryRow(delivery, delivered, '', now));
    }
    for (const task of decision.tasks ?? []) tasks.push(taskRow(task, origin));
  }
  return {
    parsed,
    jobs: [...jobs.values()],
    runs: [...runs.values()],
    events: [...events.values()],
    deliveries,
    tasks,
  };
}

function resultOf(decided: Decided | undefined, fresh: Set<string>): Recorded {
  if (!decided) return NOT_RECORDED;
  const { events: wanted, tasks = [], contradicts } = decided.decision;
  const events: NewEvent[] = wanted.filter(({ id }) => fresh.delete(id));
  const idReused = decided.message.id_reused === 1;
  return { recorded: true, events, tasks, idReused, ...(contradicts && { contradicts }) };
}
