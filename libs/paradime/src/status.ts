import { isMaybeFailed, statusWord, type RunStatus } from 'nestjs-runhooks/core';

/**
 * Statuses in Paradime's webhook documentation, its Python SDK, and its Airflow and Dagster integrations. Paradime does
 * not publish a list for webhooks, so any other status is `unknown`, never a success.
 *
 * The status does not show whether a run has started or ended: the documented start says `failed`. `messageKindOf` decides
 * that by the fields of an end.
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

const FINAL: ReadonlySet<RunStatus> = new Set<RunStatus>(['succeeded', 'failed', 'canceled', 'skipped']);

/**
 * Returns the status of a run or a command. Webhooks use lower case, Paradime's API upper case. `failedElsewhere` is
 * whether a command, an error message or a return code reports a failure.
 */
export function statusOf(providerStatus: string | null | undefined, failedElsewhere = false): RunStatus {
  const word = statusWord(providerStatus);
  return STATUS_OF.get(word) ?? (failedElsewhere && isMaybeFailed(word) ? 'failed' : 'unknown');
}

/** Returns whether a status means that a run is over, with any outcome. */
export function isFinal(providerStatus: string | null | undefined): boolean {
  const word = statusWord(providerStatus);
  return FINAL.has(statusOf(word)) || isMaybeFailed(word);
}
