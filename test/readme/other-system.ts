import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface OtherRequest {
  readonly method: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Issue {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
  readonly comments: string[];
  state: string;
}

/** A server with the paths of Slack, PagerDuty and GitHub that the recipes use. */
export class OtherSystem {
  readonly requests: OtherRequest[] = [];
  readonly issues: Issue[] = [];
  /** Statuses of the next responses. Without any, calls succeed. */
  readonly statuses: number[] = [];

  private constructor(private readonly server: Server) {
    server.on('request', (request: IncomingMessage, response) => {
      void this.respond(request).then(({ status, body }) =>
        response.writeHead(status, { connection: 'close' }).end(JSON.stringify(body)),
      );
    });
  }

  static async start(): Promise<OtherSystem> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new OtherSystem(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async respond(request: IncomingMessage): Promise<{ readonly status: number; readonly body: unknown }> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    const body = (text === '' ? {} : JSON.parse(text)) as OtherRequest['body'];
    const { pathname: path, searchParams } = new URL(request.url ?? '', this.url);
    const method = request.method ?? '';
    this.requests.push({ method, path, body });
    const status = this.statuses.shift();
    if (status !== undefined) return { status, body: {} };
    const [, number, action] = /^\/repos\/shop\/analytics\/issues(?:\/(\d+))?(\/comments)?$/.exec(path) ?? ['none'];
    if (!path.startsWith('/repos/')) return { status: 200, body: {} };
    if (request.headers.authorization !== 'Bearer a-token') return { status: 401, body: {} };
    const issue = this.issues.find((one) => String(one.number) === number);
    if (method === 'GET') {
      const label = searchParams.get('labels') ?? '';
      return { status: 200, body: this.issues.filter((one) => one.state === 'open' && one.labels.includes(label)) };
    }
    if (issue && action) issue.comments.push(String(body['body']));
    else if (issue) issue.state = String(body['state']);
    else
      this.issues.push({ ...(body as unknown as Issue), number: this.issues.length + 1, comments: [], state: 'open' });
    return { status: 201, body: {} };
  }
}
