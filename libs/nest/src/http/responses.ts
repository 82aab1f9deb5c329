import { LIMITS, type Receipt } from 'nestjs-runhooks/core';

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
  paused: {
    statusCode: 500,
    status: 'body-paused',
    message:
      'the app paused the request whenever Runhooks went on reading it; exclude this path from the middleware or hook ' +
      'of the app that does so',
  },
  busy: {
    statusCode: 503,
    status: 'unavailable',
    message: 'too many bodies are on their way already; send the message again',
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

/** `found`: what the host left of the body; its kind, never its content. */
export function consumedAnswer(found: string): Answer {
  return { ...ANSWERS.consumed, message: `${ANSWERS.consumed.message}. Found ${found}` };
}

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
