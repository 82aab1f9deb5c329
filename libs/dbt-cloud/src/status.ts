import { isMaybeFailed, statusWord, type RunStatus } from 'nestjs-runhooks/core';
import type { DbtCloudMessageType } from './message-type.js';

/** Codes of dbt's Administrative API v2, `status` of a run (https://docs.getdbt.com/dbt-cloud/api-v2). */
export const STATUS_CODE = Object.freeze({ queued: 1, starting: 2, running: 3, success: 10, error: 20, cancelled: 30 });

const STATUS_OF_CODE: ReadonlyMap<number, RunStatus> = new Map([
  [STATUS_CODE.queued, 'pending'],
  [STATUS_CODE.starting, 'pending'],
  [STATUS_CODE.running, 'running'],
  [STATUS_CODE.success, 'succeeded'],
  [STATUS_CODE.error, 'failed'],
  [STATUS_CODE.cancelled, 'canceled'],
]);

/** Labels of these codes, `Errored` of the webhooks, both spellings of canceled, and `complete` from 2022. */
const STATUS_OF_TEXT: ReadonlyMap<string, RunStatus> = new Map([
  ['queued', 'pending'],
  ['starting', 'pending'],
  ['running', 'running'],
  ['success', 'succeeded'],
  ['complete', 'succeeded'],
  ['error', 'failed'],
  ['errored', 'failed'],
  ['cancelled', 'canceled'],
  ['canceled', 'canceled'],
]);

/** Fields of a message that can name the outcome of its run. */
export interface StatusWords {
  readonly code: number | undefined;
  readonly text: string | undefined;
  /** Error message of dbt. */
  readonly error: string | undefined;
}

/**
 * Returns the status of the run. The message type decides unless it is `job.run.completed`. There the code decides, even
 * if the text differs, and the text decides if the code is missing. A status of a completed run that is not final is
 * `unknown`.
 */
export function statusOf(messageType: DbtCloudMessageType, { code, text, error }: StatusWords): RunStatus {
  switch (messageType) {
    case 'job.run.started':
      return 'running';
    case 'job.run.errored':
      return 'failed';
    case 'job.run.canceled':
      return 'canceled';
    case 'job.run.completed': {
      const named = statusNamed(text, error);
      const status = code === undefined ? named : (STATUS_OF_CODE.get(code) ?? failureOf(named));
      return status === undefined || status === 'pending' || status === 'running' ? 'unknown' : status;
    }
  }
}

function statusNamed(text: string | undefined, error: string | undefined): RunStatus | undefined {
  const word = statusWord(text);
  return STATUS_OF_TEXT.get(word) ?? (error !== undefined && isMaybeFailed(word) ? 'failed' : undefined);
}

/** Returns whether the text names a failure or a cancellation. It then decides even if the code is invalid. */
export function isFailureText(text: string | undefined, error: string | undefined): boolean {
  return failureOf(statusNamed(text, error)) !== undefined;
}

/** With an unknown code, the status text can report a failure but not a success. */
function failureOf(named: RunStatus | undefined): RunStatus | undefined {
  return named === 'failed' || named === 'canceled' ? named : undefined;
}
