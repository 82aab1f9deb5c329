import { describe, expect, it } from '@jest/globals';
import type { RunStatus } from 'nestjs-runhooks/core';
import { statusOf } from './status.js';

const TABLE: readonly (readonly [code: number | undefined, text: string | undefined, status: RunStatus])[] = [
  [10, 'Success', 'succeeded'],
  [10, undefined, 'succeeded'],
  [undefined, 'Success', 'succeeded'],
  [undefined, ' SUCCESS\n', 'succeeded'],
  [undefined, 'complete', 'succeeded'],
  [20, 'Errored', 'failed'],
  [20, undefined, 'failed'],
  [undefined, 'Errored', 'failed'],
  [undefined, 'Error', 'failed'],
  [30, 'Cancelled', 'canceled'],
  [30, undefined, 'canceled'],
  [undefined, 'Cancelled', 'canceled'],
  [undefined, 'canceled', 'canceled'],
  // The code counts where both are there.
  [20, 'Success', 'failed'],
  [10, 'Errored', 'succeeded'],
  [30, 'Success', 'canceled'],
  [99, 'Success', 'unknown'],
  [99, 'Errored', 'failed'],
  [0, 'Cancelled', 'canceled'],
  [0, 'Success', 'unknown'],
  [1010, 'Success', 'unknown'],
  // A completed run cannot be running, and a new word is no success.
  [3, 'Running', 'unknown'],
  [1, 'Queued', 'unknown'],
  [undefined, 'Starting', 'unknown'],
  [undefined, 'Completed', 'unknown'],
  [undefined, 'Successful', 'unknown'],
  [undefined, 'Not a Success', 'unknown'],
  [undefined, 'constructor', 'unknown'],
  [undefined, undefined, 'unknown'],
];

/** Words that dbt does not document, with the status beside an error text. */
const MAYBE_FAILED = ['timeout', 'Timed_Out', 'timed out', ' KILLED ', 'aborted', 'Failed', 'Failure'];

describe('statusOf', () => {
  it.each(TABLE)('maps code %p and text %p of a completed run to %s', (code, text, status) => {
    expect(statusOf('job.run.completed', { code, text, error: undefined })).toBe(status);
  });

  it.each(TABLE)('prefers the message type to code %p and text %p', (code, text) => {
    expect(statusOf('job.run.errored', { code, text, error: undefined })).toBe('failed');
    expect(statusOf('job.run.canceled', { code, text, error: undefined })).toBe('canceled');
    expect(statusOf('job.run.started', { code, text, error: undefined })).toBe('running');
  });

  it.each(MAYBE_FAILED)('treats %j as a failure only if a code or an error message reports one', (text) => {
    const status = (code: number | undefined, error?: string) => statusOf('job.run.completed', { code, text, error });
    expect([status(undefined), status(99), status(10)]).toEqual(['unknown', 'unknown', 'succeeded']);
    expect([status(20), status(undefined, 'boom'), status(99, 'boom')]).toEqual(['failed', 'failed', 'failed']);
    expect(status(10, 'boom')).toBe('succeeded');
  });

  it('ignores an error message beside another status', () => {
    for (const text of ['Success', 'Completed', 'Done', undefined]) {
      expect(statusOf('job.run.completed', { code: undefined, text, error: 'boom' })).not.toBe('failed');
    }
  });
});
