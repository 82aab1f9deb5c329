import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { AppProcess } from './app-process.js';

/** Load balancer with a fixed address in front of processes that come and go. Without a process it responds with 502. */
export class Gateway {
  readonly #server: Server;
  readonly #choose: () => AppProcess | undefined;

  private constructor(choose: () => AppProcess | undefined) {
    this.#choose = choose;
    this.#server = createServer((incoming, outgoing) => {
      this.#forward(incoming, outgoing).catch(() => outgoing.destroy());
    });
  }

  /** @param choose returns the process that receives the next request, or `undefined` if none runs */
  static async open(choose: () => AppProcess | undefined): Promise<Gateway> {
    const gateway = new Gateway(choose);
    await new Promise<void>((resolve) => void gateway.#server.listen(0, '127.0.0.1', resolve));
    return gateway;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const processRun = this.#choose();
    const status = processRun && (await processRun.receive(incoming.url ?? '', incoming.headers, body));
    // A process that is killed while it receives does not respond.
    if (processRun?.isDead) outgoing.destroy();
    else outgoing.writeHead(status ?? 502).end();
  }
}
