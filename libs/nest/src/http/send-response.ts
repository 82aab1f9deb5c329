import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { LIMITS, timers } from 'nestjs-runhooks/core';
import type { Answer } from './responses.js';

/** What went wrong with the answer itself: what code of the host threw, or a text. */
export type OnTrouble = (trouble: unknown) => void;

/**
 * Sends an answer, and never throws. Code of the host may stand in every method of the request and the response, and may
 * have begun an answer of its own. If it throws, the answer is sent without it; if that fails, too, the connection is
 * closed. A status that would acknowledge what was not stored is never completed.
 */
export function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  onTrouble: OnTrouble,
): void {
  new AnswerSender(request, response, answer, onTrouble).send();
}

class AnswerSender {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #answer: Answer;
  readonly #onTrouble: OnTrouble;
  readonly #text: string;
  #isHeadOurs = false;
  #isTextWritten = false;

  constructor(request: IncomingMessage, response: ServerResponse, answer: Answer, onTrouble: OnTrouble) {
    this.#request = request;
    this.#response = response;
    this.#answer = answer;
    this.#onTrouble = onTrouble;
    const { statusCode: _, ...content } = answer;
    this.#text = JSON.stringify(content);
  }

  send(): void {
    this.#guarded(() => {
      const response = this.#response;
      if (isOver(response)) return;
      // Such as of a write after the host has ended the response. The sender is gone then.
      response.on('error', () => undefined);
      if (response.headersSent) this.#finishBegun();
      else this.#sendWhole();
    });
  }

  /** Later steps, in timers and listeners, go through this as well. */
  #guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#onTrouble(error);
      this.#sendPlainly();
    }
  }

  #sendWhole(): void {
    const response = this.#response;
    const isBodyLeft = !this.#request.readableEnded;
    this.#isHeadOurs = true;
    // Also for a patched writeHead that drops what it is given.
    response.statusCode = this.#answer.statusCode;
    response.writeHead(this.#answer.statusCode, this.#headers(isBodyLeft));
    if (this.#isFalse()) this.#refuseFalse();
    else if (isBodyLeft) this.#linger();
    else this.#end(this.#text);
  }

  /** Code of the host may end the response later, as where a session is saved first or a body is compressed; or never. */
  #end(text = ''): void {
    const response = this.#response;
    response.end(text);
    if (!response.writableEnded) timers.setTimeout(() => this.#sendPlainly(), LIMITS.lingerMs).unref();
  }

  /**
   * What is left of the body would be taken for the next request, so the connection is closed then; but only after the
   * sender, which may still be uploading, had {@link LIMITS.lingerMs} to read the answer.
   */
  #linger(): void {
    const [request, response] = [this.#request, this.#response];
    response.write(this.#text);
    this.#isTextWritten = true;
    const finish = (): void => {
      timers.clearTimeout(timer);
      if (isOver(response)) return;
      this.#guarded(() => this.#end());
    };
    const timer = timers.setTimeout(finish, LIMITS.lingerMs);
    request.once('end', finish);
    request.once('close', finish);
    request.resume();
  }

  #headers(isBodyLeft: boolean): Record<string, string | number> {
    const { statusCode } = this.#answer;
    return {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(this.#text),
      ...(statusCode === 503 && { 'retry-after': LIMITS.retryAfterSeconds }),
      // HTTP/2 has a stream for each request instead, and no such header.
      ...(isBodyLeft && this.#request.httpVersionMajor === 1 && { connection: 'close' }),
    };
  }

  /** The host has sent a status already, by `flushHeaders()` for example. */
  #finishBegun(): void {
    const { statusCode } = this.#answer;
    const sent = this.#response.statusCode;
    if (sent !== statusCode) this.#onTrouble(`the app had sent the status ${sent} before the answer ${statusCode}`);
    this.#sendPlainly();
  }

  /** Whether a status is sent, or about to be, that acknowledges what was not stored. */
  #isFalse(): boolean {
    const { headersSent, statusCode } = this.#response;
    return headersSent && isAcknowledgement(statusCode) && !isAcknowledgement(this.#answer.statusCode);
  }

  #refuseFalse(): void {
    this.#onTrouble(`the app made the status ${this.#response.statusCode} of the answer ${this.#answer.statusCode}`);
    this.#cut();
  }

  /**
   * Without what the host has put on the request and the response. What was sent before is not known, so the connection
   * is of no use afterwards.
   */
  #sendPlainly(): void {
    const [request, response] = [this.#request, this.#response];
    try {
      if (isOver(response)) return;
      unpatch(request);
      unpatch(response);
      if (this.#isFalse()) {
        this.#cut();
        return;
      }
      if (!response.headersSent) {
        this.#isHeadOurs = true;
        response.statusCode = this.#answer.statusCode;
        response.writeHead(this.#answer.statusCode, this.#headers(true));
      }
      const timer = timers.setTimeout(() => this.#cut(), LIMITS.lingerMs).unref();
      response.once('finish', () => {
        timers.clearTimeout(timer);
        // An HTTP/2 stream is over by itself.
        if (request.httpVersionMajor === 1) this.#cut();
      });
      // A body of ours would not fit the headers of the host's, a length for example.
      response.end(this.#isHeadOurs && !this.#isTextWritten ? this.#text : '');
    } catch {
      this.#cut();
    }
  }

  /** The sender sees a broken connection and sends again. */
  #cut(): void {
    const [request, response] = [this.#request, this.#response];
    try {
      unpatch(request);
      unpatch(response);
      const { stream } = response as { stream?: ServerHttp2Stream };
      if (stream) cutStream(stream);
      else response.destroy();
    } catch {
      // The socket is what counts.
    }
    try {
      // A response that is finished does not know it any more.
      if (request.httpVersionMajor === 1) request.socket.destroy();
    } catch {
      // What stands in for a socket may have no such method, as where Fastify injects a request or a cloud calls a function.
    }
  }
}

/** With an error: from Node 24 on, `close` ends a stream whose headers were sent as if all had been well. */
function cutStream(stream: ServerHttp2Stream): void {
  stream.on('error', () => undefined);
  stream.destroy(new Error('the answer was cut off'));
}

function isOver(response: ServerResponse): boolean {
  return response.writableEnded || response.destroyed;
}

function isAcknowledgement(statusCode: number): boolean {
  return statusCode >= 200 && statusCode < 300;
}

/**
 * Takes methods away that hide those of the class. One of them has thrown, and Node itself calls some when a response is
 * over, where an exception would end the process.
 */
function unpatch(target: object): void {
  const methods = Object.getPrototypeOf(target) as Record<string, unknown>;
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(target))) {
    if (typeof value === 'function' && typeof methods[name] === 'function') Reflect.deleteProperty(target, name);
  }
}
