import type { RunStatus } from 'nestjs-runhooks/core';

/**
 * Every spelling seen in Paradime's webhook documentation, its Python SDK, and its Airflow and Dagster integrations.
 * No list of the words a webhook may use is published, so a word that is not here is `unknown`, never a success.
 */
const STATUS_OF: ReadonlyMap<string, RunStatus> = new Map([
  ['succeeded', 'succeeded'],
  ['success', 'succeeded'],
  ['passed', 'succeeded'],
  ['finished', 'succeeded'],
  ['failed', 'failed'],
  ['failure', 'failed'],
  ['error', 'failed'],
  ['errored', 'failed'],
  ['canceled', 'canceled'],
  ['cancelled', 'canceled'],
  ['skipped', 'skipped'],
  ['running', 'running'],
  ['started', 'running'],
  ['starting', 'pending'],
  ['pending', 'pending'],
  ['queued', 'pending'],
  ['deploying', 'pending'],
]);

/** Words for an end that may be a failure. It is one only if something else in the message tells so. */
const MAYBE_FAILED: ReadonlySet<string> = new Set(['timeout', 'timed_out', 'killed', 'aborted']);

const FINAL: ReadonlySet<RunStatus> = new Set<RunStatus>(['succeeded', 'failed', 'canceled', 'skipped']);

/**
 * What a status of a run or a command means. Webhooks use lower case, Paradime's API upper case. `failedElsewhere` is
 * whether a command, an error text or a return code tells of a failure.
 */
export function statusOf(providerStatus: string | null | undefined, failedElsewhere = false): RunStatus {
  const word = wordOf(providerStatus);
  return STATUS_OF.get(word) ?? (failedElsewhere && isMaybeFailed(word) ? 'failed' : 'unknown');
}

/** Whether a status says that a run is over, whatever became of it. */
export function isFinal(providerStatus: string | null | undefined): boolean {
  const word = wordOf(providerStatus);
  return FINAL.has(statusOf(word)) || isMaybeFailed(word);
}

function wordOf(providerStatus: string | null | undefined): string {
  return providerStatus?.trim().toLowerCase() ?? '';
}

function isMaybeFailed(word: string): boolean {
  return MAYBE_FAILED.has(word.replace(/[\s-]+/g, '_'));
}
