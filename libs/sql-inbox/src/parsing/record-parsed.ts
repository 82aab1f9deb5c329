import type { NewEvent, Recorded, Recording, RunDecision } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import type { Transaction } from '../schema/statement.js';
import { otherHandlers } from '../processes/register-process.js';
import { deliveryRow, eventRow } from '../rows/insert-event.js';
import { jobRow, keyOfJob, keyOfRun, runRow } from '../rows/run-and-job-rows.js';
import { taskRow } from '../tasks/insert-task.js';
import type { KnownStates, ParsedAccess, ParsedRows, SettledMessage } from './parsed-access.js';

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
    yield* dialect.locks.takeAll([...new Set(recordings.flatMap(locksOf))]);
    const settled = yield* access.settle(recordings);
    const messages = new Map(settled.map((message) => [`${message.id} ${message.lease}`, message]));
    const messageOf = ({ messageId, lease }: Recording): SettledMessage | undefined =>
      messages.get(`${messageId} ${lease}`);
    const live = recordings.filter(messageOf);
    const state = yield* access.known(live);
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

/** Decides about a recording, and notes the new states for the next one. */
function decide({ run, job, decide: ask }: Recording, known: KnownStates, others: readonly string[]): RunDecision {
  const runState = run && known.runs.get(keyOfRun(run));
  const jobState = job && known.jobs.get(keyOfJob(job));
  const decision = ask({
    ...(runState && { run: runState }),
    ...(jobState && { job: jobState }),
    ...(others.length > 0 && { otherHandlers: others }),
  });
  if (job && decision.job) known.jobs.set(keyOfJob(job), decision.job);
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
    if (job && decision.job) jobs.set(keyOfJob(job), jobRow(job, decision.job, now));
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

/** A job that is new has no row that could be locked, so it is locked by name. */
function locksOf({ job, run }: Recording): string[] {
  if (job) return [`job ${keyOfJob(job)}`];
  return run ? [`run ${keyOfRun(run)}`] : [];
}
