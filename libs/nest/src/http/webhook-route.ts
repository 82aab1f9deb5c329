import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  describeError,
  isStoreUnavailableError,
  LIMITS,
  type HeaderMap,
  type Logger,
  type OpenSource,
  type Receiver,
  type Refusals,
} from 'nestjs-runhooks/core';
import { ANSWERS, answerOf, consumedAnswer, type Answer } from './responses.js';
import type { HeldBodies, HeldBody } from './held-bodies.js';
import { Outage } from './outage.js';
import { readBody } from './read-body.js';
import { sendAnswer } from './send-response.js';

/** Handles one request; the same for every HTTP adapter. */
export type WebhookRoute = (request: IncomingMessage, response: ServerResponse) => void;

export interface WebhookRouteOptions {
  readonly source: OpenSource;
  readonly receiver: Receiver;
  readonly refusals: Refusals;
  readonly logger: Logger;
  /** Shared by all sources of the app. */
  readonly bodies: HeldBodies;
  /** False once shutdown began. */
  readonly isAccepting: () => boolean;
}

/**
 * The HTTP side of a source: bytes in, one of {@link ANSWERS} out. Never throws and never rejects, whatever code of the
 * host stands in the request, the response or the logger.
 */
export function createWebhookRoute(options: WebhookRouteOptions): WebhookRoute {
  const outages = outagesOf(options);
  return (request, response) => {
    const answer = (answer: Answer): void => {
      logRejection(options, answer);
      let isTroubled = false;
      sendAnswer(request, response, answer, (trouble) => {
        isTroubled = true;
        outages.interference.note(`response ${answer.statusCode}, ${nameOf(trouble)}`);
      });
      if (!isTroubled) outages.interference.end();
    };
    respond(options, outages, request).then(answer, (error: unknown) => {
      outages.failure.note(`receiving failed with ${nameOf(error)}`);
      answer(ANSWERS.failed);
    });
  };
}

/** What this app, and no sender, is the cause of: none of it is worth a line for each request of anybody. */
interface Outages {
  /** The store, or too many bodies. */
  readonly unavailable: Outage;
  readonly failure: Outage;
  readonly interference: Outage;
}

function outagesOf({ source: { name: source }, logger }: WebhookRouteOptions): Outages {
  const answering = (statusCode: 500 | 503): Outage =>
    new Outage({
      source,
      trouble: `is responding with ${statusCode}`,
      over: `accepts webhooks again; responses with ${statusCode} in between`,
      code: statusCode === 503 ? 'RUNHOOKS_RESPONDING_503' : 'RUNHOOKS_RESPONDING_500',
      quietMs: LIMITS.outageQuietMs,
      logger,
    });
  return {
    unavailable: answering(503),
    failure: answering(500),
    interference: new Outage({
      source,
      trouble: 'is disturbed by other code of the app',
      over: 'is no longer disturbed by other code of the app; requests affected',
      code: 'RUNHOOKS_RESPONSE_DISTURBED',
      quietMs: LIMITS.refusalQuietMs,
      logger,
    }),
  };
}

/** Checks how the request was sent first, then its signature. */
async function respond(
  { bodies, ...options }: WebhookRouteOptions,
  outages: Outages,
  request: IncomingMessage,
): Promise<Answer> {
  if (!options.isAccepting()) return ANSWERS.closing;
  const encoding = request.headers['content-encoding'];
  if (encoding && encoding.toLowerCase() !== 'identity') return ANSWERS.compressed;
  const held = bodies.hold();
  if (!held) return busy(outages);
  try {
    return await receive(options, outages, request, held);
  } finally {
    held.release();
  }
}

async function receive(
  { source, receiver }: Omit<WebhookRouteOptions, 'bodies'>,
  outages: Outages,
  request: IncomingMessage,
  held: HeldBody,
): Promise<Answer> {
  const read = await readBody(request, source.bodyBytesMax, held);
  if (!read.ok) {
    if (read.problem === 'busy') return busy(outages);
    const answer = read.problem === 'consumed' ? consumedAnswer(read.found) : ANSWERS[read.problem];
    if (answer.statusCode === 500) outages.failure.note(answer.message);
    return answer;
  }
  try {
    // Only set-cookie is ever an array, and no signature is read from it.
    const headers = request.headers as HeaderMap;
    const receipt = await receiver.receive(source, read.body, headers, () => held.release());
    if (receipt.status !== 'refused') {
      outages.unavailable.end();
      outages.failure.end();
    }
    return answerOf(receipt);
  } catch (error) {
    if (!isStoreUnavailableError(error)) throw error;
    outages.unavailable.note(error.message);
    return ANSWERS.unavailable;
  }
}

function busy({ unavailable }: Outages): Answer {
  unavailable.note('the app holds the maximum of request bodies whose signatures are not checked yet');
  return ANSWERS.busy;
}

/** What is wrong with the request itself. A refused signature, and a store that fails, are logged where they are noticed. */
function logRejection({ source, refusals }: WebhookRouteOptions, { statusCode, status, message }: Answer): void {
  if (statusCode !== 400 && statusCode !== 413 && statusCode !== 415) return;
  refusals.refused(source.name, `${statusCode} ${status} (${message})`);
}

function nameOf(trouble: unknown): string {
  return typeof trouble === 'string' ? trouble : describeError(trouble);
}
