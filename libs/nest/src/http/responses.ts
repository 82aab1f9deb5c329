import type { Receipt } from 'nestjs-runhooks/internal';
import { NEST_LIMITS } from '../limits.js';

/** The response to a webhook. It never contains payloads, digests or secrets. */
export interface WebhookResponse {
  readonly statusCode: number;
  readonly status: string;
  readonly message: string;
  readonly id?: string;
}

/** All responses to requests that are not stored, by case. */
export const RESPONSES = {
  empty: { statusCode: 400, status: 'bad-request', message: 'the request has no body' },
  aborted: { statusCode: 400, status: 'bad-request', message: 'the body ended before it was complete' },
  'too-slow': {
    statusCode: 400,
    status: 'bad-request',
    message: `the body was not complete after ${NEST_LIMITS.bodyReadMs} ms`,
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
      'the app paused the request each time Runhooks resumed it; exclude this path from the middleware or hook of the ' +
      'app that does so',
  },
  busy: {
    statusCode: 503,
    status: 'unavailable',
    message: 'the app holds too many request bodies; send the message again',
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
    message: 'the message could not be received; the log of the app has the reason',
  },
} as const satisfies Readonly<Record<string, WebhookResponse>>;

/** Returns the response to a request whose body the app has read. `found` describes what the app kept of it. */
export function consumedResponse(found: string): WebhookResponse {
  return { ...RESPONSES.consumed, message: `${RESPONSES.consumed.message}. Found ${found}` };
}

/** Returns the response to a request whose signature was checked. */
export function responseOf(receipt: Receipt): WebhookResponse {
  switch (receipt.status) {
    case 'accepted':
      return { statusCode: 200, status: 'accepted', message: 'stored', id: receipt.id };
    case 'duplicate':
      return { statusCode: 200, status: 'duplicate', message: 'stored before', id: receipt.id };
    case 'refused':
      return { statusCode: 401, status: receipt.check, message: receipt.reason };
  }
}
