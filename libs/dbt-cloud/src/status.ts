import type { RunStatus } from 'nestjs-runhooks/core';
import type { DbtCloudMessageType } from './message-type.js';

/** dbt's Administrative API v2, `status` of a run (https://docs.getdbt.com/dbt-cloud/api-v2). */
const STATUS_OF_CODE: ReadonlyMap<number, RunStatus> = new Map([
  [1, 'pending'],
  [2, 'pending'],
  [3, 'running'],
  [10, 'succeeded'],
  [20, 'failed'],
  [30, 'canceled'],
]);

/** Labels of the codes above, the webhooks' own `Errored`, both spellings of canceled, and `complete` of 2022. */
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

/** Not dbt's own words, but met in payloads: a failure only if the message tells of an error as well. */
const MAYBE_FAILED: ReadonlySet<string> = new Set(['timeout', 'timed_out', 'killed', 'aborted', 'failed', 'failure']);

/** The parts of a message that may tell how its run ended. */
export interface StatusWords {
  readonly code: number | undefined;
  readonly text: string | undefined;
  /** What dbt tells of an error. */
  readonly error: string | undefined;
}

/**
 * What a message says about its run. The message type decides where it names the status itself; else the code, even
 * against the text; else the text. A completed run is over, so a status that is not final is `unknown` there.
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

function statusNamed(text = '', error: string | undefined): RunStatus | undefined {
  const word = text.trim().toLowerCase();
  const isFailure = error !== undefined && MAYBE_FAILED.has(word.replace(/[\s-]+/g, '_'));
  return STATUS_OF_TEXT.get(word) ?? (isFailure ? 'failed' : undefined);
}

/** Whether the text alone tells that a run did not succeed: it is believed beside a code that cannot be read, too. */
export function isFailureText(text: string | undefined, error: string | undefined): boolean {
  return failureOf(statusNamed(text, error)) !== undefined;
}

/** Beside a code that we do not know, a text is believed if it tells of a failure, but not if it tells of a success. */
function failureOf(named: RunStatus | undefined): RunStatus | undefined {
  return named === 'failed' || named === 'canceled' ? named : undefined;
}
