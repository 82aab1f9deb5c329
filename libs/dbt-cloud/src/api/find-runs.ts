import { type ActionAnswer, type ActionRun, markIn, readId } from 'nestjs-runhooks/core';
import { DBT_CLOUD_LIMITS } from '../limits.js';
import type { AdminCaller } from './admin-caller.js';
import type { DbtCloudApiRun } from './api-objects.js';
import { type Fields, fieldsOf, readEach } from './api-readers.js';
import { getRun, listRuns, type RunCallOptions } from './run-calls.js';

/** How to look for what an earlier call did. */
export interface LookOptions extends RunCallOptions {
  /** When the call was made. */
  readonly sentAt: Date;
  readonly now: Date;
}

/**
 * Returns the runs that a retry could have started. The retried run names its retries, and each retry in the list of runs names
 * the retried run. Either can be late, so both are asked.
 */
export async function findRetries(
  caller: AdminCaller,
  run: ActionRun,
  options: LookOptions,
): Promise<readonly ActionAnswer[]> {
  const retried = await getRun(caller, run.id, { ...options, related: ['run_retries'] });
  const jobId = retried.jobId ?? run.job?.id;
  const found = jobId === undefined ? [] : await runsSince(caller, jobId, options, ({ retryOf }) => retryOf === run.id);
  for (const id of retriesOf(retried.raw)) {
    if (found.some((known) => known.id === id)) continue;
    const retry = await getRun(caller, id, options);
    if (retry.createdAt === undefined || retry.createdAt >= earliest(options)) found.push(retry);
  }
  return found.map(answerOf);
}

/** Returns the runs of a job whose cause begins with a mark. A retry of one can have the same cause, and is left out. */
export async function findTriggered(
  caller: AdminCaller,
  jobId: string,
  mark: string,
  options: LookOptions,
): Promise<readonly ActionAnswer[]> {
  const isStarted = ({ trigger, retryOf }: DbtCloudApiRun) => retryOf === undefined && markIn(trigger?.cause) === mark;
  return (await runsSince(caller, jobId, options, isStarted)).map(answerOf);
}

/** Returns a run as the answer of an action. */
export function answerOf({ id, accountId, href }: DbtCloudApiRun): ActionAnswer {
  return { runId: id, accountId, ...(href !== undefined && { url: href }) };
}

/** Returns the runs of a job since a call that are wanted. The oldest come first, because the call was made at that time. */
async function runsSince(
  caller: AdminCaller,
  jobId: string,
  options: LookOptions,
  isWanted: (run: DbtCloudApiRun) => boolean,
): Promise<DbtCloudApiRun[]> {
  const to = new Date(options.now.getTime() + DBT_CLOUD_LIMITS.aheadMs);
  const filter = { jobId, createdAt: [earliest(options), to], orderBy: 'id' } as const;
  const found: DbtCloudApiRun[] = [];
  for (let page = 0, hasMore = true; hasMore && page < DBT_CLOUD_LIMITS.lookPagesMax; page++) {
    const answer = await listRuns(caller, filter, { ...options, offset: page * DBT_CLOUD_LIMITS.pageItemsMax });
    found.push(...answer.runs.filter(isWanted));
    ({ hasMore } = answer);
  }
  return found;
}

/** Returns the earliest time by the clock of dbt Cloud at which the call can have started a run. */
function earliest({ sentAt }: LookOptions): Date {
  return new Date(sentAt.getTime() - DBT_CLOUD_LIMITS.lookSkewMs);
}

/**
 * Returns the ids of the runs that retry a run. dbt's specification names them (`run_retries`) and not their shape, so an id may
 * stand alone or in an object.
 */
export function retriesOf({ run_retries: retries }: Fields): readonly string[] {
  return readEach(retries, (one) => readId(one) ?? readId(fieldsOf(one)?.['id']));
}
