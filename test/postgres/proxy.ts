import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A network between the app and a server that can be cut without notifying either end. */
export class Proxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #frozen = new WeakSet<readonly [Socket, Socket]>();
  #isCut = false;

  private constructor(targetPort: number) {
    this.#server = createServer((near) => {
      const far = connect(targetPort, '127.0.0.1');
      const pair = [near, far] as const;
      this.#pairs.add(pair);
      if (this.#isCut) this.#frozen.add(pair);
      this.#pass(pair, near, far);
      this.#pass(pair, far, near);
    });
  }

  static async start(targetPort: number): Promise<Proxy> {
    const proxy = new Proxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Stops all data in all connections without ending any of them. */
  cut(): void {
    this.#isCut = true;
    for (const pair of this.#pairs) this.#frozen.add(pair);
  }

  /** Lets new connections pass. Cut connections stay dead, as behind a router that has lost them. */
  restore(): void {
    this.#isCut = false;
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) pair.forEach((socket) => socket.destroy());
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(pair: readonly [Socket, Socket], from: Socket, to: Socket): void {
    from.on('data', (bytes) => {
      if (!this.#frozen.has(pair)) to.write(bytes);
    });
    const end = (): void => {
      if (!this.#frozen.has(pair)) to.end();
    };
    from.on('end', end);
    from.on('error', end);
  }
}
