import type { IncomingMessage, ServerResponse } from 'node:http';
import { isStoreUnavailableError, type HeaderMap, type Logger } from 'nestjs-runhooks/core';
import { describeError, LIMITS, type OpenSource, type Receiver, type Refusals } from 'nestjs-runhooks/internal';
import { NEST_LIMITS } from '../limits.js';
import type { BodyTimer } from './body-timer.js';
import type { HeldBodies } from './held-bodies.js';
import { Outage } from './outage.js';
import { readBody, type BodyResult } from './read-body.js';
import { consumedResponse, responseOf, RESPONSES, type WebhookResponse } from './responses.js';
import { sendResponse } from './send-response.js';

/** Function that handles one request, whatever the HTTP adapter. */
export type WebhookRoute = (request: IncomingMessage, response: ServerResponse) => void;

/** Options for {@link createWebhookRoute}. */
export interface WebhookRouteOptions {
  readonly source: OpenSource;
  readonly receiver: Receiver;
  readonly refusals: Refusals;
  readonly logger: Logger;
  /** Shared by all sources of the app. */
  readonly bodies: HeldBodies;
  /** Shared by all sources of the app. */
  readonly timer: BodyTimer;
  /** Returns `false` after shutdown has begun. */
  readonly isAccepting: () => boolean;
}

/**
 * Creates the route of a source. It never throws and never rejects, even if code of the app in the request, the response
 * or the logger throws.
 */
export function createWebhookRoute(options: WebhookRouteOptions): WebhookRoute {
  const outages = outagesOf(options);
  return (request, response) => {
    const send = (content: WebhookResponse): void => {
      logRejection(options, content);
      let isTroubled = false;
      sendResponse(request, response, content, (trouble) => {
        isTroubled = true;
        outages.interference.note(`response ${content.statusCode}, ${nameOf(trouble)}`);
      });
      if (!isTroubled) outages.interference.end();
    };
    respond(options, outages, request).then(send, (error: unknown) => {
      outages.failure.note(`receiving failed with ${nameOf(error)}`);
      send(RESPONSES.failed);
    });
  };
}

/** Problems that this app causes, and not a sender. None of them is logged for each request. */
interface Outages {
  /** The store is unavailable, or the app holds too many bodies. */
  readonly unavailable: Outage;
  readonly failure: Outage;
  readonly interference: Outage;
}

function outagesOf({ source: { name: source }, logger }: WebhookRouteOptions): Outages {
  const respondingWith = (statusCode: 500 | 503): Outage =>
    new Outage({
      source,
      trouble: `responding with ${statusCode}`,
      over: (requests) => `accepts webhooks again after ${requests} responses with ${statusCode}`,
      code: statusCode === 503 ? 'RUNHOOKS_RESPONDING_503' : 'RUNHOOKS_RESPONDING_500',
      quietMs: NEST_LIMITS.outageQuietMs,
      logger,
    });
  return {
    unavailable: respondingWith(503),
    failure: respondingWith(500),
    interference: new Outage({
      source,
      trouble: 'disturbed by other code of the app',
      over: (requests) => `is no longer disturbed by other code of the app after ${requests} requests`,
      code: 'RUNHOOKS_RESPONSE_DISTURBED',
      quietMs: LIMITS.refusalQuietMs,
      logger,
    }),
  };
}

/** Checks the form of the request, then its signature. */
async function respond(
  options: WebhookRouteOptions,
  outages: Outages,
  request: IncomingMessage,
): Promise<WebhookResponse> {
  if (!options.isAccepting()) return RESPONSES.closing;
  const encoding = request.headers['content-encoding'];
  if (encoding && encoding.toLowerCase() !== 'identity') return RESPONSES.compressed;
  const { source, receiver, bodies, timer } = options;
  const held = bodies.hold();
  if (!held) return busy(outages);
  try {
    const read = await readBody(request, { bytesMax: source.bodyBytesMax, held, timer });
    if (!read.ok) return unreadable(outages, read);
    // Only set-cookie can be an array, and no provider reads it.
    const headers = request.headers as HeaderMap;
    const receipt = await receiver.receive(source, read.body, headers, () => held.release());
    if (receipt.status !== 'refused') {
      outages.unavailable.end();
      outages.failure.end();
    }
    return responseOf(receipt);
  } catch (error) {
    if (!isStoreUnavailableError(error)) throw error;
    outages.unavailable.note(error.message);
    return RESPONSES.unavailable;
  } finally {
    held.release();
  }
}

function unreadable(outages: Outages, result: Exclude<BodyResult, { ok: true }>): WebhookResponse {
  if (result.problem === 'busy') return busy(outages);
  const response = result.problem === 'consumed' ? consumedResponse(result.found) : RESPONSES[result.problem];
  if (response.statusCode === 500) outages.failure.note(response.message);
  return response;
}

function busy({ unavailable }: Outages): WebhookResponse {
  unavailable.note('the app holds the maximum of request bodies whose signatures are not checked yet');
  return RESPONSES.busy;
}

/** Logs a problem of the request. The receiver logs signatures that do not match, and the outages log problems of the app. */
function logRejection(
  { source, refusals }: WebhookRouteOptions,
  { statusCode, status, message }: WebhookResponse,
): void {
  if (statusCode !== 400 && statusCode !== 413 && statusCode !== 415) return;
  refusals.refused(source.name, `${statusCode} ${status} (${message})`);
}

function nameOf(trouble: unknown): string {
  return typeof trouble === 'string' ? trouble : describeError(trouble);
}
