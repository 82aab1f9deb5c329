import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Messages of the server: https://www.postgresql.org/docs/14/protocol-message-formats.html */
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1');
const FIELDS = 'SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0';
const TERMINATED = Buffer.from(`E\0\0\0${String.fromCharCode(FIELDS.length + 4)}${FIELDS}`, 'latin1');

/** A network between the app and a server that can be cut without notifying either end. */
export class Proxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #frozen = new WeakSet<readonly [Socket, Socket]>();
  #isCut = false;
  #isTerminating = false;

  private constructor(targetPort: number) {
    this.#server = createServer((near) => {
      const far = connect(targetPort, '127.0.0.1');
      const pair = [near, far] as const;
      this.#pairs.add(pair);
      if (this.#isCut) this.#frozen.add(pair);
      this.#pass(pair, near, far);
      this.#pass(pair, far, near, (bytes) => this.#terminated(bytes));
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

  /** Ends the next connection that becomes ready, as the server does: its last words arrive together with that it is ready. */
  terminateNext(): void {
    this.#isTerminating = true;
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) pair.forEach((socket) => socket.destroy());
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #terminated(bytes: Buffer): Buffer {
    if (!this.#isTerminating || !bytes.subarray(-READY.length).equals(READY)) return bytes;
    this.#isTerminating = false;
    return Buffer.concat([bytes, TERMINATED]);
  }

  #pass(pair: readonly [Socket, Socket], from: Socket, to: Socket, change = (bytes: Buffer) => bytes): void {
    from.on('data', (bytes: Buffer) => {
      if (!this.#frozen.has(pair)) to.write(change(bytes));
    });
    const end = (): void => {
      if (!this.#frozen.has(pair)) to.end();
    };
    from.on('end', end);
    from.on('error', end);
  }
}
