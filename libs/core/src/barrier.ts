import type { BarrierOptions } from './barrier-options.js';
import { ConfigurationError } from './errors.js';
import { parseDated } from './dated-json.js';
import { refersTo } from './filter.js';
import { requireWhole } from './handler.js';
import { LIMITS } from './limits.js';
import type { JoinedRun, Run } from './run.js';

/** The runs that wait at a barrier, by job. */
type Waiting = Readonly<Record<string, JoinedRun>>;

/** Throws {@link ConfigurationError} naming the option. */
export function checkBarrier(option: string, { jobs, withinMs, outcome = 'succeeded' }: BarrierOptions): void {
  if (!Array.isArray(jobs) || new Set(jobs).size < 2 || jobs.length > LIMITS.barrierJobsMax) {
    throw new ConfigurationError(`${option}.jobs`, `expected 2 to ${LIMITS.barrierJobsMax} different jobs`);
  }
  requireWhole(`${option}.withinMs`, withinMs, 1, LIMITS.dueAheadMsMax);
  if (outcome !== 'succeeded' && outcome !== 'completed') {
    throw new ConfigurationError(
      `${option}.outcome`,
      `found ${JSON.stringify(outcome)}; expected 'succeeded' or 'completed'`,
    );
  }
}

/** The entries of `jobs` that a run is for. */
export function barrierJobsOf({ jobs }: BarrierOptions, run: Run): string[] {
  return [...new Set(jobs)].filter((job) => refersTo(job, run.job));
}

/**
 * A barrier after one more run: either all its jobs have finished within the window, or it waits on. A later run of a
 * job replaces an earlier one; what is older than the window, seen from the latest run, no longer counts.
 */
export function arrive(
  { jobs, withinMs }: BarrierOptions,
  waiting: string | undefined,
  arrived: readonly JoinedRun[],
): { readonly waiting: string; readonly joined?: readonly JoinedRun[] } {
  const runs = new Map(Object.entries(waiting === undefined ? {} : parseDated<Waiting>(waiting)));
  for (const run of arrived) {
    const present = runs.get(run.job);
    if (!present || present.finishedAt <= run.finishedAt) runs.set(run.job, run);
  }
  const latest = Math.max(...[...runs.values()].map(({ finishedAt }) => finishedAt.getTime()));
  for (const [job, { finishedAt }] of runs) {
    if (finishedAt.getTime() < latest - withinMs || !jobs.includes(job)) runs.delete(job);
  }
  const joined = jobs.flatMap((job) => runs.get(job) ?? []);
  if (joined.length === new Set(jobs).size) return { waiting: '{}', joined };
  return { waiting: JSON.stringify(Object.fromEntries(runs)) };
}
