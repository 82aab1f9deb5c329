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

/**
 * What a message says about its run. The message type decides where it names the status itself; else the code, even
 * against the text; else the text. A completed run is over, so a status that is not final is `unknown` there.
 */
export function statusOf(
  messageType: DbtCloudMessageType,
  code: number | undefined,
  text: string | undefined,
): RunStatus {
  switch (messageType) {
    case 'job.run.started':
      return 'running';
    case 'job.run.errored':
      return 'failed';
    case 'job.run.canceled':
      return 'canceled';
    case 'job.run.completed': {
      const named = STATUS_OF_TEXT.get(text?.trim().toLowerCase() ?? '');
      const status = code === undefined ? named : (STATUS_OF_CODE.get(code) ?? badNews(named));
      return status === undefined || status === 'pending' || status === 'running' ? 'unknown' : status;
    }
  }
}

/** Beside a code that we do not know, a text is believed if it tells of a failure, but not if it tells of a success. */
function badNews(named: RunStatus | undefined): RunStatus | undefined {
  return named === 'failed' || named === 'canceled' ? named : undefined;
}
