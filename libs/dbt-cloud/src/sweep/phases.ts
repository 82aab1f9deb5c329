import type { ApiPhase } from 'nestjs-runhooks/core';
import type { DbtCloudApiRun } from '../api/api-objects.js';
import { DBT_CLOUD_LIMITS } from '../limits.js';
import { STATUS_CODE } from '../status.js';

const { queued, starting, running, success, error, cancelled } = STATUS_CODE;
const OPEN: readonly unknown[] = [queued, starting, running];
const OUTCOMES: readonly unknown[] = [success, error, cancelled];

/** Time at which phases are judged. */
export interface JudgedAt {
  /** Time of dbt Cloud, or ours if it did not say. */
  readonly serverTime: Date;
  readonly graceMs: number;
}

/**
 * Returns the phases of a run that are reported at a time: none for a queued run, and none before `graceMs` have passed
 * since its start or its end.
 *
 * An ended run is complete when its artifacts are saved, or ten minutes after its end. If it has no end, as some cancelled
 * runs, its end is long enough ago as far as anyone knows: it is reported at once. A run without a status or a job cannot be
 * parsed; its phase is `ended:unknown`, so that a valid answer later has another one.
 */
export function phasesOf(run: DbtCloudApiRun, { serverTime, graceMs }: JudgedAt): readonly ApiPhase[] {
  const { status, jobId, startedAt, finishedAt, artifactsSaved, isComplete } = run;
  const isPast = (time: Date, ageMs: number) => serverTime.getTime() - time.getTime() >= ageMs;
  if (status === undefined || jobId === undefined) return ['ended:unknown'];
  if (status === running) return startedAt && isPast(startedAt, graceMs) ? ['running'] : [];
  const hasOutcome = OUTCOMES.includes(status);
  if (OPEN.includes(status) || (!hasOutcome && !isComplete)) return [];
  if (finishedAt && !isPast(finishedAt, graceMs)) return [];
  const isLast = artifactsSaved || !finishedAt || isPast(finishedAt, DBT_CLOUD_LIMITS.completeMs);
  return [...(hasOutcome ? ([`ended:${status}`] as const) : []), ...(isLast ? ([`complete:${status}`] as const) : [])];
}

/** Returns the end of a run: its end, or else its last change, or else the time of the sweep. */
export function endOf({ status, isComplete, finishedAt, updatedAt }: DbtCloudApiRun, sweptAt: Date): Date | undefined {
  return isComplete || OUTCOMES.includes(status) ? (finishedAt ?? updatedAt ?? sweptAt) : finishedAt;
}

/** Returns the phase of a run in a message that does not name one. */
export function phaseNow({ status, artifactsSaved }: DbtCloudApiRun): ApiPhase {
  if (OPEN.includes(status)) return 'running';
  return artifactsSaved ? `complete:${status}` : `ended:${status}`;
}
