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

/** What a status of a run or a command means. Webhooks use lower case, Paradime's API upper case. */
export function statusOf(providerStatus: string | null | undefined): RunStatus {
  return STATUS_OF.get(providerStatus?.trim().toLowerCase() ?? '') ?? 'unknown';
}
