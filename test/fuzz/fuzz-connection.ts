import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Step } from './fuzz-case.js';

export interface FuzzResponse {
  readonly status: number;
  readonly closes: boolean;
  readonly text: string;
}

/** A sender's end of a connection, which runs steps and splits the received bytes into responses. */
export class FuzzConnection {
  readonly #socket: Socket;
  readonly #responses: FuzzResponse[] = [];
  #received = '';
  #isClosed = false;
  #notify: () => void = () => undefined;

  constructor(port: number) {
    this.#socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true }).setNoDelay().setEncoding('latin1');
    this.#socket.on('data', (chunk) => this.#onData(String(chunk)));
    // A reset is one way to close; the bytes received before it count.
    this.#socket.on('error', () => undefined);
    this.#socket.once('end', () => this.#onClose()).once('close', () => this.#onClose());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  async do(step: Step): Promise<void> {
    if ('write' in step) await this.#write(step.write);
    else if ('pauseMs' in step) await sleep(step.pauseMs);
    else if ('listenMs' in step) await this.#until(() => this.#responses.length > 0 || this.#isClosed, step.listenMs);
    else if ('finish' in step) this.#socket.end();
    else this.destroy();
  }

  /** Resolves with the next response, or with undefined if the connection or the time ends first. */
  async response(timeoutMs: number): Promise<FuzzResponse | undefined> {
    await this.#until(() => this.#responses.length > 0 || this.#isClosed, timeoutMs);
    return this.#responses.shift();
  }

  /** Resolves with whether the connection ended in time. */
  async closed(timeoutMs: number): Promise<boolean> {
    return await this.#until(() => this.#isClosed, timeoutMs);
  }

  /** Returns unexpected responses, as far as the bytes can be split into responses. */
  rest(): readonly FuzzResponse[] {
    return this.#responses.splice(0);
  }

  destroy(): void {
    this.#socket.destroy();
    this.#onClose();
  }

  #write(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(bytes, () => resolve());
    });
  }

  async #until(isSo: () => boolean, timeoutMs: number): Promise<boolean> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#notify();
    }, timeoutMs);
    while (!isSo() && !isLate) {
      await new Promise<void>((resolve) => {
        this.#notify = resolve;
      });
    }
    clearTimeout(timer);
    return isSo();
  }

  #onData(chunk: string): void {
    this.#received += chunk;
    this.#cut();
    this.#notify();
  }

  #onClose(): void {
    this.#isClosed = true;
    // This response has no end, because it is for HEAD or was cut off.
    if (this.#received !== '') this.#responses.push(responseOf(this.#received, ''));
    this.#received = '';
    this.#notify();
  }

  #cut(): void {
    for (;;) {
      const headEnd = this.#received.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const head = this.#received.slice(0, headEnd);
      const length = head.startsWith('HTTP/1.1 1') ? 0 : Number(/^content-length: *(\d+)/im.exec(head)?.[1]);
      const end = headEnd + 4 + length;
      // Without a length the response ends with the connection.
      if (!(end <= this.#received.length)) return;
      if (length > 0 || !head.startsWith('HTTP/1.1 1')) {
        this.#responses.push(responseOf(head, this.#received.slice(headEnd + 4, end)));
      }
      this.#received = this.#received.slice(end);
    }
  }
}

function responseOf(head: string, text: string): FuzzResponse {
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
  return { status, closes: /^connection: *close/im.test(head), text };
}
