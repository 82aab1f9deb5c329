import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Clock } from 'nestjs-runhooks';
import { describeError, timers } from 'nestjs-runhooks/internal';
import type { FakeCall } from './fake-call.js';
import type { Faults } from './faults.js';
import { MINUTE } from '../limits.js';

/** Request as a fake reads it. */
export interface FakeRequest {
  readonly method: string;
  /** Path as it was sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** Response of a fake. */
export interface FakeResponse {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Names of the GraphQL operations that were asked for. */
  readonly operations?: readonly string[];
}

/** Returns a response with a JSON body. */
export function jsonResponse(status: number, body: unknown): FakeResponse {
  return { status, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}

/** Options for {@link LoopbackServer.open}. */
export interface LoopbackServerOptions {
  readonly clock: Clock;
  readonly faults: Faults;
  /** Does what a request asks for. */
  readonly respond: (request: FakeRequest) => FakeResponse;
  /** Response to a call during a cooldown, to which the server adds its headers. */
  readonly tooMany: FakeResponse;
  /** Calls within a minute after which the cooldown begins; absent without a limit. */
  readonly callsPerMinute?: number;
}

/** HTTP server on a free port of 127.0.0.1, which applies the faults. */
export class LoopbackServer {
  readonly calls: FakeCall[] = [];
  readonly #options: LoopbackServerOptions;
  readonly #server: Server;
  /** Times of the calls of the last minute. */
  #recentMs: number[] = [];

  private constructor(options: LoopbackServerOptions) {
    this.#options = options;
    this.#server = createServer((incoming, outgoing) => {
      this.#serve(incoming, outgoing).catch((error: unknown) => {
        // Without a response, a mistake in the fake would look like a fault.
        if (!outgoing.headersSent) outgoing.writeHead(500).end(describeError(error));
      });
    });
  }

  static async open(options: LoopbackServerOptions): Promise<LoopbackServer> {
    const server = new LoopbackServer(options);
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    return server;
  }

  /** Origin of the server, without a path. */
  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address}:${port}`;
  }

  /** Stops the server and closes all connections. A second call does nothing. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const request = requestOf(incoming, await text(incoming));
    this.#countCall();
    const { tooMany } = this.#options;
    const cooldown = this.#options.faults.cooldownHeaders();
    if (cooldown) return this.#send(request, { ...tooMany, headers: { ...tooMany.headers, ...cooldown } }, outgoing);
    const fault = this.#options.faults.takeForCall(request.path, request.body);
    if (fault?.kind === 'hang' || fault?.kind === 'respond') {
      if (fault.carriedOut) this.#options.respond(request);
      return fault.kind === 'hang' ? this.#record(request, 0) : this.#send(request, fault, outgoing);
    }
    if (fault?.kind === 'hold' && !fault.carriedOut) await fault.until();
    const response = this.#options.respond(request);
    if (fault?.kind === 'hold' && fault.carriedOut) await fault.until();
    if (fault?.kind === 'slow') await timers.pause(fault.ms);
    if (fault?.kind === 'cut') return this.#cut(request, response, outgoing);
    this.#send(request, response, outgoing);
  }

  #countCall(): void {
    const { callsPerMinute, clock, faults } = this.#options;
    if (callsPerMinute === undefined) return;
    const nowMs = clock.now().getTime();
    this.#recentMs = [...this.#recentMs.filter((atMs) => atMs > nowMs - MINUTE), nowMs];
    if (this.#recentMs.length <= callsPerMinute) return;
    this.#recentMs = [];
    faults.rateLimit();
  }

  #send(request: FakeRequest, { status, body, headers, operations }: FakeResponse, outgoing: ServerResponse): void {
    this.#record(request, status, operations);
    outgoing.writeHead(status, { ...headers, date: this.#options.clock.now().toUTCString() });
    outgoing.end(status === 204 ? undefined : body);
  }

  #cut(request: FakeRequest, { status, body, headers, operations }: FakeResponse, outgoing: ServerResponse): void {
    this.#record(request, status, operations);
    const bytes = Buffer.from(body);
    const length = String(bytes.length + 1);
    outgoing.writeHead(status, { ...headers, 'content-length': length, date: this.#options.clock.now().toUTCString() });
    outgoing.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => outgoing.destroy());
  }

  #record({ method, path, query, body }: FakeRequest, status: number, operations?: readonly string[]): void {
    this.calls.push({
      at: this.#options.clock.now(),
      method,
      path,
      query: Object.fromEntries(query),
      status,
      ...(body !== '' && { body: parsed(body) }),
      ...(operations && { operations }),
    });
  }
}

function requestOf({ method = '', url = '', headers }: IncomingMessage, body: string): FakeRequest {
  const [path = '', ...query] = url.split('?');
  const known = Object.entries(headers).map(([name, value]) => [name, String(value)] as const);
  return { method, path, query: new URLSearchParams(query.join('?')), headers: Object.fromEntries(known), body };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return body;
  }
}
