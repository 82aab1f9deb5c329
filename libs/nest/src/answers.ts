import type { IncomingMessage, ServerResponse } from 'node:http';
import { LIMITS, type Receipt, timers } from 'nestjs-runhooks/core';

/** What is sent back: never payload, digests or secrets. */
export interface Answer {
  readonly statusCode: number;
  readonly status: string;
  readonly message: string;
  readonly id?: string;
}

/** Every answer there is, by case. */
export const ANSWERS = {
  empty: { statusCode: 400, status: 'bad-request', message: 'the request has no body' },
  aborted: { statusCode: 400, status: 'bad-request', message: 'the body ended before it was complete' },
  'too-slow': {
    statusCode: 400,
    status: 'bad-request',
    message: `the body was not complete after ${LIMITS.bodyReadMs} ms`,
  },
  'too-large': { statusCode: 413, status: 'too-large', message: 'the body is larger than this source accepts' },
  compressed: {
    statusCode: 415,
    status: 'compressed',
    message: 'the body is compressed, so its signature cannot be checked; send it without content-encoding',
  },
  consumed: {
    statusCode: 500,
    status: 'body-consumed',
    message:
      'the body was read before Runhooks could check its signature; exclude this path from the middleware or hook of ' +
      'the app that reads bodies, or have it keep the bytes in request.rawBody',
  },
  closing: {
    statusCode: 503,
    status: 'unavailable',
    message: 'the app is shutting down; send the message again',
  },
  unavailable: {
    statusCode: 503,
    status: 'unavailable',
    message: 'it is unknown whether the message was stored; sending it again is safe',
  },
  failed: {
    statusCode: 500,
    status: 'error',
    message: 'the message could not be received; the log of the app says why',
  },
} as const satisfies Readonly<Record<string, Answer>>;

export function answerOf(receipt: Receipt): Answer {
  switch (receipt.status) {
    case 'accepted':
      return { statusCode: 200, status: 'accepted', message: 'stored', id: receipt.id };
    case 'duplicate':
      return { statusCode: 200, status: 'duplicate', message: 'stored before', id: receipt.id };
    case 'refused':
      return { statusCode: 401, status: receipt.check, message: receipt.reason };
  }
}

/**
 * Sends an answer. What is left of the body would be taken for the next request, so the connection is closed then; but
 * only after the sender, which may still be uploading, had {@link LIMITS.lingerMs} to read the answer.
 */
export function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  if (response.headersSent || response.destroyed) return;
  const { statusCode, ...content } = answer;
  const text = JSON.stringify(content);
  const isBodyLeft = !request.readableEnded;
  const headers: Record<string, string | number> = {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  };
  if (statusCode === 503) headers['retry-after'] = LIMITS.retryAfterSeconds;
  // HTTP/2 has a stream for each request instead, and no such header.
  if (isBodyLeft && request.httpVersionMajor === 1) headers['connection'] = 'close';
  response.writeHead(statusCode, headers);
  if (!isBodyLeft) {
    response.end(text);
    return;
  }
  response.write(text);
  const timer = timers.setTimeout(finish, LIMITS.lingerMs);
  function finish(): void {
    timers.clearTimeout(timer);
    response.end();
  }
  request.once('end', finish).once('close', finish).resume();
}
