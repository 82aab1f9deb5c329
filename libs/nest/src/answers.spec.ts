import { IncomingMessage, ServerResponse, type OutgoingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { LIMITS } from 'nestjs-runhooks/core';
import { answerOf, ANSWERS, send } from './answers.js';

afterEach(() => {
  jest.useRealTimers();
});

/** A request and its response, with the headers that were said. */
function exchange({ isBodyRead = false, httpVersionMajor = 1 } = {}) {
  const request = Object.assign(new IncomingMessage(new Socket()), { httpVersionMajor });
  if (isBodyRead) request.resume().push(null);
  const said: OutgoingHttpHeaders = {};
  class Response extends ServerResponse {
    override writeHead(statusCode: number, headers?: unknown): this {
      Object.assign(said, headers);
      return super.writeHead(statusCode, headers as OutgoingHttpHeaders);
    }
  }
  return { request, response: new Response(request), said };
}

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

describe('send', () => {
  it('ends the answer and keeps the connection when the body was read', async () => {
    const { request, response, said } = exchange({ isBodyRead: true });
    await setImmediate();
    send(request, response, { statusCode: 200, status: 'accepted', message: 'störed', id: 'msg_1' });
    expect(response.writableEnded).toBe(true);
    expect(said).toEqual({ 'content-type': 'application/json; charset=utf-8', 'content-length': 54 });
  });

  it.each(['unavailable', 'closing'] as const)('says when to come back if %s', async (name) => {
    const { request, response, said } = exchange({ isBodyRead: true });
    await setImmediate();
    send(request, response, ANSWERS[name]);
    expect([response.statusCode, said['retry-after']]).toEqual([503, LIMITS.retryAfterSeconds]);
  });

  it('closes an unread connection, but never by a header that HTTP/2 forbids', () => {
    for (const [httpVersionMajor, connection] of [
      [1, 'close'],
      [2, undefined],
    ] as const) {
      const { request, response, said } = exchange({ httpVersionMajor });
      send(request, response, ANSWERS.compressed);
      expect(said['connection']).toBe(connection);
      request.destroy();
    }
  });

  it('ends an answer to an unread body when the sender has sent all of it', async () => {
    const { request, response } = exchange();
    send(request, response, ANSWERS['too-large']);
    expect(response.writableEnded).toBe(false);
    request.push('the rest');
    request.push(null);
    await setImmediate();
    expect(response.writableEnded).toBe(true);
  });

  it('waits for the rest of an unread body no longer than its limit', () => {
    jest.useFakeTimers();
    const { request, response } = exchange();
    send(request, response, ANSWERS['too-large']);
    jest.advanceTimersByTime(LIMITS.lingerMs - 1);
    expect(response.writableEnded).toBe(false);
    jest.advanceTimersByTime(1);
    expect(response.writableEnded).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('says nothing where an answer was begun, or nobody is left to hear it', () => {
    const begun = exchange();
    begun.response.writeHead(204);
    send(begun.request, begun.response, ANSWERS.failed);
    expect(begun.response.statusCode).toBe(204);
    const gone = exchange();
    gone.response.destroy();
    send(gone.request, gone.response, ANSWERS.failed);
    expect(gone.response.headersSent).toBe(false);
  });
});
