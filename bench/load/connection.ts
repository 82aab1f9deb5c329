import { connect, type Socket } from 'node:net';

/** One HTTP/1.1 connection that sends prepared requests one after the other. */
export class Connection {
  readonly #socket: Socket;
  #received = '';
  #responded: ((status: number) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (text: string) => this.#take(text));
    socket.on('close', () => this.#responded?.(0));
    socket.on('error', () => undefined);
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Connection(socket)));
      socket.once('error', reject);
    });
  }

  /** Resolves with the status code, or with 0 if the connection ended. */
  send(request: Buffer): Promise<number> {
    return new Promise((resolve) => {
      this.#responded = resolve;
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Contenders respond with a content-length. */
  #take(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const bodyBytes = Number(/^content-length: *(\d+)/im.exec(this.#received.slice(0, headEnd))?.[1] ?? 0);
    if (this.#received.length < headEnd + 4 + bodyBytes) return;
    const status = Number(this.#received.slice(9, 12));
    this.#received = '';
    this.#responded?.(status);
  }
}
