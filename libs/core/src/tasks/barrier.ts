import type { OnAllRunsOptions } from '../handlers/subscription.js';
import { parseDated } from '../payloads/dated-json.js';
import { refersTo } from '../handlers/filter.js';
import type { JoinedRun, Run } from '../runs/run.js';

/** Run that waits, or a run that has joined and is kept so that no older run of its job waits again. */
type KeptRun = JoinedRun & { readonly hasJoined?: true };

/** Run that has finished. */
export type ArrivedRun = Omit<JoinedRun, 'job'>;

/** Returns the entries of `jobs` that a run matches, the closest first: names before patterns, long patterns before short ones. */
export function barrierJobsOf({ jobs }: OnAllRunsOptions, { job }: Run): string[] {
  const closeness = (entry: string): number =>
    entry === job.id || entry === job.name ? Number.MAX_SAFE_INTEGER : lettersOf(entry);
  return jobs.filter((entry) => refersTo(entry, job)).sort((a, b) => closeness(b) - closeness(a));
}

/**
 * Returns the new state of a fan-in after a run has finished, with the joined runs if all jobs finished within the window.
 *
 * A run fills one entry: that of an earlier run of its job, otherwise a free one, otherwise the closest match. In its entry,
 * it replaces a run that finished before it. Runs older than the window, counted back from the latest run, are removed.
 */
export function arrive(
  options: OnAllRunsOptions,
  waiting: string | undefined,
  arrived: ArrivedRun,
): { readonly waiting: string; readonly joined?: readonly JoinedRun[] } {
  const { jobs, withinMs } = options;
  const runs = new Map(Object.entries(waiting === undefined ? {} : parseDated<Record<string, KeptRun>>(waiting)));
  for (const job of runs.keys()) if (!jobs.includes(job)) runs.delete(job);
  const entry = entryFor(arrived, barrierJobsOf(options, arrived.run), runs);
  if (entry !== undefined) {
    const present = runs.get(entry);
    if (!present || present.finishedAt <= arrived.finishedAt) runs.set(entry, { job: entry, ...arrived });
  }
  const latest = Math.max(...[...runs.values()].map(({ finishedAt }) => finishedAt.getTime()));
  for (const [job, { finishedAt }] of runs) {
    if (finishedAt.getTime() < latest - withinMs) runs.delete(job);
  }
  const joined = jobs.flatMap((job) => waitingIn(runs.get(job)) ?? []);
  if (joined.length < jobs.length) return { waiting: JSON.stringify(Object.fromEntries(runs)) };
  const kept = joined.map((run): [string, KeptRun] => [run.job, { ...run, hasJoined: true }]);
  return { waiting: JSON.stringify(Object.fromEntries(kept)), joined };
}

function entryFor(
  arrived: ArrivedRun,
  matching: readonly string[],
  runs: ReadonlyMap<string, KeptRun>,
): string | undefined {
  return (
    matching.find((job) => isSameJob(runs.get(job), arrived)) ??
    matching.find((job) => !waitingIn(runs.get(job))) ??
    matching[0]
  );
}

function isSameJob(present: KeptRun | undefined, arrived: ArrivedRun): boolean {
  return present?.source === arrived.source && present.run.job.key === arrived.run.job.key;
}

function waitingIn(run: KeptRun | undefined): JoinedRun | undefined {
  return run?.hasJoined ? undefined : run;
}

function lettersOf(pattern: string): number {
  return pattern.replaceAll('*', '').length;
}
