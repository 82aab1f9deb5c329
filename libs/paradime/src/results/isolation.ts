import { isProviderApiError, type Run } from 'nestjs-runhooks/core';
import type { ParadimeApi } from '../api/paradime-api.js';
import { PARADIME_LIMITS } from '../limits.js';

/**
 * Returns whether a run belongs to CI or to a pull request, or `undefined` if its schedule does not list it yet. A `--target`
 * of a command is no isolation: it is part of the scope in which nodes are compared.
 *
 * Webhooks lack the pull request, so the runs of the schedule are listed. If Paradime does not list them, because the schedule
 * was renamed or deleted, the run is not isolated.
 */
export async function isIsolated(api: ParadimeApi, run: Run, signal: AbortSignal): Promise<boolean | undefined> {
  if (run.trigger.kind === 'ci' || run.commit?.pullRequest !== undefined) return true;
  const schedule = run.job.id ?? run.job.name;
  if (schedule === undefined) return false;
  try {
    return await hasPullRequest(api.runs(schedule, { signal }), run);
  } catch (error) {
    if (isProviderApiError(error) && (error.reason === 'not-found' || error.reason === 'refused')) return false;
    throw error;
  }
}

async function hasPullRequest(
  listed: AsyncIterable<{ readonly id: string; readonly startedAt?: Date; readonly pullRequestId?: string }>,
  { id, startedAt }: Run,
): Promise<boolean | undefined> {
  // Starts are not exactly in the order of the list.
  const oldestMs = (startedAt?.getTime() ?? Number.NEGATIVE_INFINITY) - PARADIME_LIMITS.sweepOverlapMs;
  let count = 0;
  for await (const one of listed) {
    count += 1;
    if (one.id === id) return one.pullRequestId !== undefined;
    if (count >= PARADIME_LIMITS.resultsRunsMax) break;
    if (one.startedAt && one.startedAt.getTime() < oldestMs) break;
  }
  return undefined;
}
