import { LIMITS } from '../limits.js';
import { earlierOf, laterOf } from './earlier-later.js';
import type { Reference, RunOutcome } from './run.js';

/** A failed run of an incident. */
export interface FailedRun {
  readonly accountId: string;
  readonly runId: string;
  readonly finishedAt: Date;
}

/** A job's open failure, from its first failed run to the success that ends it. */
export interface Incident {
  /** End of the earliest failed run. */
  readonly openedAt: Date;
  /** End of the latest failed run. */
  readonly latestFailureAt: Date;
  /** Number of failed runs. */
  readonly failures: number;
  /** Failed runs in the order in which they were parsed, up to 100. */
  readonly runs: readonly FailedRun[];
}

/** State of a job, from all its runs. */
export interface JobState {
  /** End of the latest successful run. */
  readonly latestSuccessAt?: Date;
  readonly incident?: Incident;
  /** Other keys under which messages have reported the job. */
  readonly aliases?: readonly string[];
  /** Set as long as no message has reported an id of the job, but only names. */
  readonly nameOnly?: true;
  /** The alias that is the id of the job. Absent if the key of the job is its id, or if no id is known. */
  readonly idAlias?: string;
  /** Environment that a message reported last. Absent if none has reported one. */
  readonly environment?: Reference;
}

/** Effect of an outcome on its job. */
export interface JobUpdate {
  readonly state: JobState;
  /** Whether the failure opened an incident. */
  readonly firstFailure: boolean;
  /** Whether the failure is older than the job's latest success, and so does not change the job's state. */
  readonly late: boolean;
  /** Incident that the success ended. */
  readonly recovered?: Incident;
}

/**
 * Returns a job's state after another outcome, in the order of parsing. Canceled runs change nothing. A success ends an
 * incident only if it finished after the incident's latest failure. A failure that finished before the latest success
 * does not open an incident.
 */
export function advanceJob(known: JobState | undefined, outcome: RunOutcome, run: FailedRun): JobUpdate {
  const state: JobState = known ?? {};
  const unchanged: JobUpdate = { state, firstFailure: false, late: false };
  const { latestSuccessAt, incident } = state;
  const at = run.finishedAt;
  switch (outcome) {
    case 'canceled':
      return unchanged;
    case 'succeeded': {
      const succeeded = { ...state, latestSuccessAt: laterOf(latestSuccessAt, at) };
      if (!incident || at <= incident.latestFailureAt) return { ...unchanged, state: succeeded };
      const { incident: recovered, ...ended } = succeeded;
      return { ...unchanged, state: ended, ...(recovered && { recovered }) };
    }
    case 'failed':
      if (latestSuccessAt && at < latestSuccessAt) return { ...unchanged, late: true };
      return {
        state: { ...state, incident: incident ? joined(incident, run) : opened(run) },
        firstFailure: incident === undefined,
        late: false,
      };
  }
}

/** Returns a job's state after a run that ended before the inbox knew its source. Only its latest success can change. */
export function advanceJobByHistory(
  known: JobState | undefined,
  outcome: RunOutcome,
  { finishedAt }: FailedRun,
): JobUpdate {
  const state: JobState = known ?? {};
  const unchanged = { firstFailure: false, late: false };
  if (outcome !== 'succeeded') return { ...unchanged, state };
  return { ...unchanged, state: { ...state, latestSuccessAt: laterOf(state.latestSuccessAt, finishedAt) } };
}

/** Returns one incident of the failures of two jobs that turned out to be one. */
export function mergedIncidents(one: Incident, other: Incident): Incident {
  const [first, second] = other.openedAt < one.openedAt ? [other, one] : [one, other];
  return {
    openedAt: first.openedAt,
    latestFailureAt: laterOf(first.latestFailureAt, second.latestFailureAt),
    failures: first.failures + second.failures,
    runs: [...first.runs, ...second.runs].slice(0, LIMITS.incidentRunsMax),
  };
}

/** Returns the incident that a failed run opens. */
export function opened(run: FailedRun): Incident {
  return { openedAt: run.finishedAt, latestFailureAt: run.finishedAt, failures: 1, runs: [run] };
}

/** Returns an incident with another failed run. */
export function joined({ openedAt, latestFailureAt, failures, runs }: Incident, run: FailedRun): Incident {
  return {
    openedAt: earlierOf(openedAt, run.finishedAt),
    latestFailureAt: laterOf(latestFailureAt, run.finishedAt),
    failures: failures + 1,
    runs: runs.length < LIMITS.incidentRunsMax ? [...runs, run] : runs,
  };
}
