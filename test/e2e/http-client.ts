import { request, type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

export interface HttpRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /**
   * Agent of the connection.
   * @default a new connection per request
   */
  readonly agent?: Agent;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends a request exactly as specified, without adding headers. */
export function exchange(port: number, { body, agent, ...options }: HttpRequest): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const to = { host: '127.0.0.1', port, method: 'POST', ...options };
    request({ ...to, agent: agent ?? false }, (response) => {
      const { statusCode: status = 0, headers } = response;
      text(response).then((received) => resolve({ status, headers, text: received }), reject);
    })
      .on('error', reject)
      .end(body);
  });
}

/** A raw connection on which the test writes every byte itself. */
export class RawConnection {
  /** The text received from the server so far. */
  received = '';
  /** Resolves when the server has ended or cut the connection. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #changed: () => void = () => undefined;

  constructor(port: number) {
    this.#socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true }).setEncoding('latin1');
    this.#socket.on('data', (chunk) => {
      this.received += String(chunk);
      this.#changed();
    });
    // The server may close with a reset; `received` keeps what arrived before it.
    this.#socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.#socket.once('end', resolve).once('close', () => resolve());
    });
    void this.closed.then(() => this.#changed());
  }

  /** Resolves once the operating system has accepted the bytes. */
  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(bytes, () => resolve());
    });
  }

  /** Stops reading until {@link until} is called, like a client that sends everything before it reads the response. */
  hold(): void {
    this.#socket.pause();
  }

  /** Ends the sending side and keeps reading. */
  finish(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Resolves when the received text matches; rejects if the connection closes first. */
  async until(pattern: RegExp): Promise<string> {
    this.#socket.resume();
    let isClosed = false;
    void this.closed.then(() => (isClosed = true));
    while (!pattern.test(this.received)) {
      if (isClosed) throw new Error(`closed without ${String(pattern)}; received ${JSON.stringify(this.received)}`);
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    return this.received;
  }
}

/** Returns the head of a POST request; the caller sends the body. */
export function head(path: string, headers: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join('')}\r\n`;
}
