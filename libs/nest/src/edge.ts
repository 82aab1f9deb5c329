import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  attemptError,
  isStoreUnavailableError,
  type HeaderMap,
  type Logger,
  type OpenSource,
  type Receiver,
  type Refusals,
} from 'nestjs-runhooks/core';
import { ANSWERS, answerOf, consumedAnswer, type Answer } from './answers.js';
import type { HeldBodies, HeldBody } from './held-bodies.js';
import { Outage } from './outage.js';
import { readBody } from './read-body.js';
import { sendAnswer } from './send-answer.js';

/** Handles one request; the same for every HTTP adapter. */
export type Edge = (request: IncomingMessage, response: ServerResponse) => void;

export interface EdgeOptions {
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
export function createEdge(options: EdgeOptions): Edge {
  const { source, logger } = options;
  const outage = new Outage(source.name, logger);
  return (request, response) => {
    const answer = (answer: Answer): void => {
      quietly(() => logRejection(options, answer));
      sendAnswer(request, response, answer, (trouble) => {
        const { statusCode } = answer;
        const line = `source "${source.name}": code of the app interfered with the answer ${statusCode}: ${nameOf(trouble)}`;
        quietly(() => logger.error(line));
      });
    };
    respond(options, outage, request).then(answer, (error: unknown) => {
      quietly(() => logger.error(`receiving for source "${source.name}" failed with ${nameOf(error)}`));
      answer(ANSWERS.failed);
    });
  };
}

/** Transport first, then the signature. */
async function respond({ bodies, ...options }: EdgeOptions, outage: Outage, request: IncomingMessage): Promise<Answer> {
  if (!options.isAccepting()) return ANSWERS.closing;
  const encoding = request.headers['content-encoding'];
  if (encoding && encoding.toLowerCase() !== 'identity') return ANSWERS.compressed;
  const held = bodies.hold();
  if (!held) return busy(outage);
  try {
    return await receive(options, outage, request, held);
  } finally {
    held.release();
  }
}

async function receive(
  { source, receiver, logger }: Omit<EdgeOptions, 'bodies'>,
  outage: Outage,
  request: IncomingMessage,
  held: HeldBody,
): Promise<Answer> {
  const read = await readBody(request, source.bodyBytesMax, held);
  if (!read.ok) {
    if (read.problem === 'busy') return busy(outage);
    const answer = read.problem === 'consumed' ? consumedAnswer(read.found) : ANSWERS[read.problem];
    if (answer.statusCode === 500) logger.error(`source "${source.name}": ${answer.message}`);
    return answer;
  }
  try {
    // Only set-cookie is ever an array, and no signature is read from it.
    const headers = request.headers as HeaderMap;
    const receipt = await receiver.receive(source, read.body, headers, () => held.release());
    if (receipt.status !== 'refused') outage.end();
    return answerOf(receipt);
  } catch (error) {
    if (!isStoreUnavailableError(error)) throw error;
    outage.note(error);
    return ANSWERS.unavailable;
  }
}

function busy(outage: Outage): Answer {
  outage.note({ message: 'the app holds as many bodies as it may whose signatures are not checked yet' });
  return ANSWERS.busy;
}

/** What is wrong with the request itself. A refused signature, and a store that fails, are logged where they are noticed. */
function logRejection({ source, refusals }: EdgeOptions, { statusCode, status, message }: Answer): void {
  if (statusCode !== 400 && statusCode !== 413 && statusCode !== 415) return;
  refusals.refused(source.name, `${statusCode} ${status} (${message})`);
}

function nameOf(trouble: unknown): string {
  if (typeof trouble === 'string') return trouble;
  const { name, message } = attemptError(trouble);
  return `${name}: ${message}`;
}

/** A logger of the host's that fails must not keep the sender waiting. */
function quietly(log: () => void): void {
  try {
    log();
  } catch {
    // There is nobody left to tell.
  }
}
