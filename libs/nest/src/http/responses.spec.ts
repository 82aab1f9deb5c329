import { describe, expect, it } from '@jest/globals';
import { responseOf, RESPONSES } from './responses.js';

describe('RESPONSES', () => {
  it('has a 4xx status where a retry would fail again, and a 5xx status where a retry may succeed', () => {
    const codes = Object.entries(RESPONSES).map(([name, { statusCode }]) => [name, statusCode]);
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
});

describe('responseOf', () => {
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
  ])('returns the response to the receipt %j', (receipt, response) => {
    expect(responseOf(receipt)).toEqual(response);
  });
});
