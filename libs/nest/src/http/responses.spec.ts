import { describe, expect, it } from '@jest/globals';
import { answerOf, ANSWERS } from './responses.js';

describe('the answers', () => {
  it('have the status codes that senders act on: nothing is retried in vain, nothing is given up that may succeed', () => {
    const codes = Object.entries(ANSWERS).map(([name, { statusCode }]) => [name, statusCode]);
    expect(Object.fromEntries(codes)).toEqual({
      empty: 400,
      aborted: 400,
      'too-slow': 400,
      'too-large': 413,
      compressed: 415,
      consumed: 500,
      paused: 500,
      busy: 503,
      closing: 503,
      unavailable: 503,
      failed: 500,
    });
  });

  it.each([
    [
      { status: 'accepted', id: 'msg_1' } as const,
      { statusCode: 200, status: 'accepted', message: 'stored', id: 'msg_1' },
    ],
    [
      { status: 'duplicate', id: 'msg_1' } as const,
      { statusCode: 200, status: 'duplicate', message: 'stored before', id: 'msg_1' },
    ],
    [
      { status: 'refused', check: 'malformed-header', reason: 'Header "x" is none.' } as const,
      { statusCode: 401, status: 'malformed-header', message: 'Header "x" is none.' },
    ],
  ])('to the receipt %j is as the sender needs it', (receipt, answer) => {
    expect(answerOf(receipt)).toEqual(answer);
  });
});
