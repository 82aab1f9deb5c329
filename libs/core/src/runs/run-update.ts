import { defined } from '../defined.js';
import { earlierOf } from './earlier-later.js';
import { advanceJob, advanceJobByHistory, type Incident, type JobState } from './incident.js';
import { linkJob, type JobRecords } from './job-aliases.js';
import type { RunEventType, RunSignal, RunSignalType } from './run-signal.js';
import { advanceRun, apiFactsOf, isOver, isReported, isRunOver, outcomeOf, type RunState } from './run-state.js';
import type { Reference, RunOutcome } from './run.js';

/** State of a run and of its job before a message. */
export interface KnownRun {
  readonly run?: RunState;
  /**
   * Records of the keys under which the message reports its job, of the key in {@link run}, and of the jobs that these are
   * aliases of. Absent if there are none.
   */
  readonly jobs?: JobRecords;
}

/** Fields that only some types of events have. */
export interface EventExtras {
  readonly late?: boolean;
  readonly firstFailure?: boolean;
  readonly incident?: Incident;
}

/** An event that follows from a message, with the fields of its type. */
export interface NewRunEvent {
  readonly type: RunEventType;
  readonly extras: EventExtras;
}

/** Changes from one message. */
export interface RunUpdate {
  readonly run: RunState;
  /** New records of job keys; absent if the message changes none. */
  readonly jobs?: JobRecords;
  readonly events: readonly NewRunEvent[];
  readonly contradicts?: RunOutcome;
  /** Whether a sweep reported the run, or its end, before any webhook did. Never set for history. */
  readonly isFoundBySweep?: true;
}

/** Origin of what a message reports. */
export interface ReportOrigin {
  /** Whether the message is from the provider's API. @default false */
  readonly isFromApi?: boolean;
  /** Whether the run ended before the source was registered. @default false */
  readonly isHistory?: boolean;
}

/**
 * Returns the changes from a message, in the order of parsing. A run's end is capped at the time its message was received:
 * otherwise one fast clock would make all later runs of the job look outdated.
 *
 * A run that is history changes its own state and the latest success of its job. It has no events, and it opens, joins and
 * ends no incident. Its state keeps no types of them, so that a webhook about it that arrives later has its events, as if no sweep
 * had found the run.
 */
export function runUpdateOf(
  known: KnownRun,
  signal: RunSignal,
  receivedAt: Date,
  { isFromApi = false, isHistory = false }: ReportOrigin = {},
): RunUpdate {
  const { run, occurredAt, otherJobKeys: otherKeys = [] } = signal;
  const { startedAt, finishedAt } = run;
  const types = isFromApi ? withoutStartOfEnded(signal.types, known.run) : signal.types;
  const reported = { key: run.job.key, hasId: run.job.id !== undefined, otherKeys };
  const knownKey = known.run && isReported(known.run) ? known.run.jobKey : undefined;
  const job = linkJob(known.jobs ?? new Map(), reported, knownKey);
  const { state, newTypes, contradicts } = advanceRun(known.run, {
    jobKey: job.key,
    types,
    startedAt,
    finishedAt,
    ...(isFromApi && { api: apiFactsOf(run) }),
  });
  const outcome = newTypes.map(outcomeOf).find((one) => one !== undefined);
  const endedAt = earlierOf(state.finishedAt ?? occurredAt, receivedAt);
  const ended = { accountId: run.account.id, runId: run.id, finishedAt: endedAt };
  const advance = isHistory ? advanceJobByHistory : advanceJob;
  const jobUpdate = outcome && advance(job.state, outcome, ended);
  const jobs = new Map(job.changes);
  const jobState = withEnvironment(jobUpdate ? jobUpdate.state : job.state, run.environment);
  if (jobState && jobState !== job.state) jobs.set(job.key, jobState);
  const before = known.run?.types ?? [];
  const isFoundBySweep = state.origin === 'api' && known.run?.origin !== 'api' && !isHistory;
  const wasOver = known.run !== undefined && isRunOver(known.run);
  const events = (isHistory ? [] : newTypes).map((type): NewRunEvent => ({
    type,
    extras: extrasOf(type, before, wasOver, jobUpdate),
  }));
  const recovered = jobUpdate?.recovered;
  return {
    run: isHistory ? { ...state, types: before } : state,
    events: recovered ? [...events, { type: 'run.recovered', extras: { incident: recovered } }] : events,
    ...(jobs.size > 0 && { jobs }),
    ...(contradicts && { contradicts }),
    ...(isFoundBySweep && { isFoundBySweep }),
  };
}

/** Returns the state of a job with the environment of its run, or the same state if the run reports no other one. */
function withEnvironment(state: JobState | undefined, environment: Reference | undefined): JobState | undefined {
  const known = state?.environment;
  if (!environment || (known && known.id === environment.id && known.name === environment.name)) return state;
  const { id, name } = environment;
  if (id === undefined && name === undefined) return state;
  return { ...state, environment: defined({ id, name }) };
}

/** A sweep that finds an ended run does not report its start: handlers of starts act on runs that are still running. */
function withoutStartOfEnded(types: readonly RunSignalType[], known: RunState | undefined): readonly RunSignalType[] {
  const isEnded = isOver(types) || (known !== undefined && isRunOver(known));
  return isEnded ? types.filter((type) => type !== 'run.started') : types;
}

function extrasOf(
  type: RunSignalType,
  before: readonly RunSignalType[],
  wasOver: boolean,
  job: { readonly late: boolean; readonly firstFailure: boolean } | undefined,
): EventExtras {
  if (type === 'run.started') return { late: wasOver };
  if (type === 'run.failed' && job) {
    return { late: job.late || before.includes('run.completed'), firstFailure: job.firstFailure };
  }
  return {};
}
