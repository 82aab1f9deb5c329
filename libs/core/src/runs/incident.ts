import { LIMITS } from '../limits.js';
import { earlierOf, laterOf } from './earlier-later.js';
import type { RunOutcome } from './run.js';

/** A run that an incident counts. */
export interface FailedRun {
  readonly accountId: string;
  readonly runId: string;
  readonly finishedAt: Date;
}

/** A job's open failure: from a first failed run to the success that ends it. */
export interface Incident {
  /** When the first of its runs failed. */
  readonly openedAt: Date;
  /** When the last one failed. */
  readonly latestFailureAt: Date;
  /** How many runs have failed. */
  readonly failures: number;
  /** The first of them, at most {@link LIMITS.incidentRunsMax}. */
  readonly runs: readonly FailedRun[];
}

/** What the inbox knows of a job, from all its runs. */
export interface JobState {
  /** When the last run that succeeded finished. */
  readonly latestSuccessAt?: Date;
  readonly incident?: Incident;
}

/** What an outcome means for its job. */
export interface JobUpdate {
  readonly state: JobState;
  /** The failure opened an incident. */
  readonly firstFailure: boolean;
  /** The failure is older than the job's latest known success: it tells nothing new about the job. */
  readonly late: boolean;
  /** The incident that the success has ended. */
  readonly recovered?: Incident;
}

/**
 * A job's state after one more outcome, in the order of reading. Canceled runs change nothing. A success ends an
 * incident only if it finished after the incident's latest failure; a failure that finished before the latest known
 * success opens none.
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
      const succeeded = { latestSuccessAt: laterOf(latestSuccessAt, at) };
      if (incident && at > incident.latestFailureAt) return { ...unchanged, state: succeeded, recovered: incident };
      return { ...unchanged, state: { ...succeeded, ...(incident && { incident }) } };
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

function opened(run: FailedRun): Incident {
  return { openedAt: run.finishedAt, latestFailureAt: run.finishedAt, failures: 1, runs: [run] };
}

function joined({ openedAt, latestFailureAt, failures, runs }: Incident, run: FailedRun): Incident {
  return {
    openedAt: earlierOf(openedAt, run.finishedAt),
    latestFailureAt: laterOf(latestFailureAt, run.finishedAt),
    failures: failures + 1,
    runs: runs.length < LIMITS.incidentRunsMax ? [...runs, run] : runs,
  };
}
