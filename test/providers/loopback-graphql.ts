import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A received query or mutation. */
export interface GraphqlRequest {
  /** Name of the operation. */
  readonly operation: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly headers: IncomingHttpHeaders;
}

/** Answer of a resolver: a value for the field of the operation, or a function that writes the whole response. */
export type GraphqlResolver = (request: GraphqlRequest) => unknown;

/** A GraphQL server on loopback, with files at `/files/…`. It ignores the text of a query except for the name. */
export class LoopbackGraphql {
  readonly requests: GraphqlRequest[] = [];
  /** Headers of the requests for files. */
  readonly downloads: IncomingHttpHeaders[] = [];
  readonly files = new Map<string, string>();
  /** Answers before the resolvers do, each once, for example `respondWith(503, 'down')`. */
  readonly faults: ((response: ServerResponse) => void)[] = [];
  /** Time of the answers. */
  date: Date | undefined;
  readonly #resolvers: Readonly<Record<string, GraphqlResolver>>;
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  constructor(resolvers: Readonly<Record<string, GraphqlResolver>>) {
    this.#resolvers = resolvers;
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get endpoint(): string {
    return `${this.origin}/api/v1/company-token/graphql`;
  }

  /** Returns the variables of all queries of one operation. */
  asked(operation: string): readonly Readonly<Record<string, unknown>>[] {
    return this.requests.filter((request) => request.operation === operation).map(({ variables }) => variables);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.date) response.setHeader('date', this.date.toUTCString());
    if (request.method === 'GET') {
      this.downloads.push(request.headers);
      const file = this.files.get(request.url ?? '');
      response.writeHead(file === undefined ? 404 : 200).end(file);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { query, variables } = JSON.parse(Buffer.concat(chunks).toString()) as {
      query: string;
      variables: Readonly<Record<string, unknown>>;
    };
    const operation = /^(?:query|mutation) (\w+)/.exec(query)?.[1] ?? '';
    const received = { operation, variables, headers: request.headers };
    this.requests.push(received);
    const fault = this.faults.shift();
    if (fault) return fault(response);
    respondWith(200, { data: { [operation]: this.#resolvers[operation]?.(received) ?? null } })(response);
  }
}

/** Returns a function that writes a response: an object as JSON, a string as HTML. */
export function respondWith(
  status: number,
  body: object | string,
  headers: Readonly<Record<string, string>> = {},
): (response: ServerResponse) => void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body === 'string' ? 'text/html' : 'application/json';
  return (response) => void response.writeHead(status, { 'content-type': type, ...headers }).end(text);
}
