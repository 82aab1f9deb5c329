import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  attemptError,
  StoreUnavailableError,
  type HeaderMap,
  type Logger,
  type OpenSource,
  type Receiver,
  type Refusals,
} from 'nestjs-runhooks/core';
import { ANSWERS, answerOf, send, type Answer } from './answers.js';
import { readBody } from './read-body.js';
import { Outage } from './outage.js';

/** Handles one request; the same for every HTTP adapter. */
export type Edge = (request: IncomingMessage, response: ServerResponse) => void;

export interface EdgeOptions {
  readonly source: OpenSource;
  readonly receiver: Receiver;
  readonly refusals: Refusals;
  readonly logger: Logger;
  /** False once shutdown began. */
  readonly isAccepting: () => boolean;
}

/** The HTTP side of a source: bytes in, one of {@link ANSWERS} out. Never throws. */
export function createEdge(options: EdgeOptions): Edge {
  const outage = new Outage(options.source.name, options.logger);
  return (request, response) => {
    respond(options, outage, request).then(
      (answer) => {
        logRejection(options, answer);
        send(request, response, answer);
      },
      (error: unknown) => {
        const { name, message } = attemptError(error);
        options.logger.error(`receiving for source "${options.source.name}" failed with ${name}: ${message}`);
        send(request, response, ANSWERS.failed);
      },
    );
  };
}

/** Transport first, then the signature. */
async function respond(
  { source, receiver, logger, isAccepting }: EdgeOptions,
  outage: Outage,
  request: IncomingMessage,
): Promise<Answer> {
  if (!isAccepting()) return ANSWERS.closing;
  const encoding = request.headers['content-encoding'];
  if (encoding && encoding.toLowerCase() !== 'identity') return ANSWERS.compressed;
  const read = await readBody(request, source.bodyBytesMax);
  if (!read.ok) {
    if (read.problem === 'consumed') logger.error(`source "${source.name}": ${ANSWERS.consumed.message}`);
    return ANSWERS[read.problem];
  }
  try {
    // Only set-cookie is ever an array, and no signature is read from it.
    const receipt = await receiver.receive(source, read.body, request.headers as HeaderMap);
    if (receipt.status !== 'refused') outage.end();
    return answerOf(receipt);
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    outage.note(error);
    return ANSWERS.unavailable;
  }
}

/** What is wrong with the request itself. A refused signature, and a store that fails, are logged where they are noticed. */
function logRejection({ source, refusals }: EdgeOptions, { statusCode, status, message }: Answer): void {
  if (statusCode !== 400 && statusCode !== 413 && statusCode !== 415) return;
  refusals.refused(source.name, `${statusCode} ${status} (${message})`);
}
