import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { timers } from 'nestjs-runhooks/internal';
import { NEST_LIMITS } from '../limits.js';
import type { WebhookResponse } from './responses.js';

/** Called with an error that code of the app threw while the response was sent, or with a description of the problem. */
export type OnTrouble = (trouble: unknown) => void;

/**
 * Sends a response and never throws. Code of the app may have replaced any method of the request and the response, and may
 * have begun a response of its own. If that code throws, the response is sent without it. If that fails, too, the
 * connection is closed. A success status is never completed for a message that was not stored.
 */
export function sendResponse(
  request: IncomingMessage,
  response: ServerResponse,
  content: WebhookResponse,
  onTrouble: OnTrouble,
): void {
  new ResponseSender(request, response, content, onTrouble).send();
}

class ResponseSender {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #content: WebhookResponse;
  readonly #onTrouble: OnTrouble;
  readonly #text: string;
  #isHeadOurs = false;
  #isTextWritten = false;

  constructor(request: IncomingMessage, response: ServerResponse, content: WebhookResponse, onTrouble: OnTrouble) {
    this.#request = request;
    this.#response = response;
    this.#content = content;
    this.#onTrouble = onTrouble;
    const { status, message, id } = content;
    this.#text = JSON.stringify({ status, message, id });
  }

  send(): void {
    this.#guarded(() => {
      const response = this.#response;
      if (isOver(response)) return;
      // Errors occur, for example, if the app has ended the response or the sender has disconnected.
      response.on('error', ignore);
      if (response.headersSent) this.#finishBegun();
      else this.#sendWhole();
    });
  }

  /** Every step runs in here, including steps in timers and listeners. */
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
    // The app may have replaced writeHead by a function that ignores its arguments.
    response.statusCode = this.#content.statusCode;
    response.writeHead(this.#content.statusCode, this.#headers(isBodyLeft));
    if (this.#isFalse()) this.#refuseFalse();
    else if (isBodyLeft) this.#linger();
    else this.#end(this.#text);
  }

  /** Code of the app may end the response later, for example after saving a session or compressing the body, or never. */
  #end(text = ''): void {
    const response = this.#response;
    response.end(text);
    if (!response.writableEnded) timers.setTimeout(() => this.#sendPlainly(), NEST_LIMITS.lingerMs).unref();
  }

  /**
   * Ends the response after the rest of the body has arrived, or after {@link NEST_LIMITS.lingerMs}. A sender that is still
   * uploading needs this time to read the response. The connection is then closed, because the rest of the body would be
   * parsed as the next request.
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
    const timer = timers.setTimeout(finish, NEST_LIMITS.lingerMs);
    request.once('end', finish);
    request.once('close', finish);
    request.resume();
  }

  #headers(isBodyLeft: boolean): Record<string, string | number> {
    const headers: Record<string, string | number> = {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(this.#text),
    };
    if (this.#content.statusCode === 503) headers['retry-after'] = NEST_LIMITS.retryAfterSeconds;
    // HTTP/2 has a stream for each request and forbids this header.
    if (isBodyLeft && this.#request.httpVersionMajor === 1) headers['connection'] = 'close';
    return headers;
  }

  /** Called if the app has already sent a status, for example with `flushHeaders()`. */
  #finishBegun(): void {
    const { statusCode } = this.#content;
    const sent = this.#response.statusCode;
    if (sent !== statusCode) this.#onTrouble(`the app had sent the status ${sent} before the response ${statusCode}`);
    this.#sendPlainly();
  }

  /** Whether the app sends a success status for a message that was not stored. */
  #isFalse(): boolean {
    const { headersSent, statusCode } = this.#response;
    return headersSent && isAcknowledgement(statusCode) && !isAcknowledgement(this.#content.statusCode);
  }

  #refuseFalse(): void {
    this.#onTrouble(
      `the app changed the status ${this.#content.statusCode} of the response to ${this.#response.statusCode}`,
    );
    this.#cut();
  }

  /**
   * Sends the response without the methods that the app has replaced. The connection is closed afterwards, because it is
   * unknown which bytes were sent before.
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
        response.statusCode = this.#content.statusCode;
        response.writeHead(this.#content.statusCode, this.#headers(true));
      }
      const timer = timers.setTimeout(() => this.#cut(), NEST_LIMITS.lingerMs).unref();
      response.once('finish', () => {
        timers.clearTimeout(timer);
        // An HTTP/2 stream ends with its response.
        if (request.httpVersionMajor === 1) this.#cut();
      });
      // The body would contradict headers of the app, for example its content-length.
      response.end(this.#isHeadOurs && !this.#isTextWritten ? this.#text : '');
    } catch {
      this.#cut();
    }
  }

  /** Closes the connection, so that the sender retries. */
  #cut(): void {
    const [request, response] = [this.#request, this.#response];
    try {
      unpatch(request);
      unpatch(response);
      const { stream } = response as { stream?: ServerHttp2Stream };
      if (stream) cutStream(stream);
      else response.destroy();
    } catch {
      // The socket is destroyed below.
    }
    try {
      // A finished response no longer has a socket, but its request does.
      if (request.httpVersionMajor === 1) request.socket.destroy();
    } catch {
      // The socket may be a substitute without this method, for example in an injected request or a cloud function.
    }
  }
}

/** Destroys with an error, because since Node 24 `close` completes a stream whose headers were sent. */
function cutStream(stream: ServerHttp2Stream): void {
  stream.on('error', ignore);
  stream.destroy(new Error('the response was cut off'));
}

function ignore(): void {}

function isOver(response: ServerResponse): boolean {
  return response.writableEnded || response.destroyed;
}

function isAcknowledgement(statusCode: number): boolean {
  return statusCode >= 200 && statusCode < 300;
}

/**
 * Removes methods that hide those of the class. One of them has thrown, and Node calls some of them when a response ends,
 * where an exception would terminate the process.
 */
function unpatch(target: object): void {
  const methods = Object.getPrototypeOf(target) as Record<string, unknown>;
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(target))) {
    if (typeof value === 'function' && typeof methods[name] === 'function') Reflect.deleteProperty(target, name);
  }
}
