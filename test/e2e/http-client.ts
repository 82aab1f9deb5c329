import { request, type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

export interface HttpRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /** A connection of its own, unless told otherwise. */
  readonly agent?: Agent;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends what it is told, as it is told. */
export function exchange(port: number, { body, agent, ...options }: HttpRequest): Promise<HttpAnswer> {
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

/** A connection on which every byte is the test's own. */
export class RawConnection {
  /** Everything the server said so far. */
  received = '';
  /** Resolves when nothing more can come, whether the server ended in order or cut the connection. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  #changed: () => void = () => undefined;

  constructor(port: number) {
    this.#socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true }).setEncoding('latin1');
    this.#socket.on('data', (chunk) => {
      this.received += String(chunk);
      this.#changed();
    });
    // A reset is one way of the server's to close; `received` tells what came before it.
    this.#socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      this.#socket.once('end', resolve).once('close', () => resolve());
    });
    void this.closed.then(() => this.#changed());
  }

  /** Resolves once the bytes are with the operating system. */
  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(bytes, () => resolve());
    });
  }

  /** Reads nothing until {@link until} is called, as a client does that sends all before it looks at the answer. */
  hold(): void {
    this.#socket.pause();
  }

  /** Says that no more bytes will come, and goes on listening. */
  finish(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Resolves when the server has said something; rejects if the connection closes without it. */
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

/** The start of a POST as bytes; the body is up to the caller. */
export function head(path: string, headers: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join('')}\r\n`;
}
