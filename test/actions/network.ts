import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ActionKind } from 'nestjs-runhooks/core';
import type { Account, AccountRun, ApiRequest, Asked } from './account.js';

/** What happens to a request that starts or stops something. */
export const TROUBLES = [
  'none',
  'killed before',
  'killed on the way',
  'killed after',
  'lost',
  'cut',
  '503 before',
  '503 after',
  'page after',
  'empty answer',
  'timeout before',
  'timeout after',
  'held',
  '429',
  '429 with a time',
  '401 for a while',
  '403',
] as const;

export type Trouble = (typeof TROUBLES)[number];

/** A request that an app sent, as the network saw it. */
export interface SentRequest {
  readonly source: string;
  readonly kind: ActionKind;
  readonly target: string;
  readonly cause: string;
  readonly trouble: Trouble;
  /** Time by the clock of the provider at which it arrived there, or got lost. */
  readonly at: Date;
  /** Whether the provider did what was asked, which may be nothing new. */
  readonly isDone: boolean;
  /** Whether a run was started or canceled. */
  readonly hasEffect: boolean;
}

/** A look-up that the provider answered. */
export interface AnsweredLook {
  readonly source: string;
  /** Path, query and body. */
  readonly asked: string;
  readonly at: Date;
}

/** What all networks have seen, in order. */
export interface Traffic {
  readonly requests: SentRequest[];
  readonly looks: AnsweredLook[];
}

export interface NetworkOptions {
  readonly account: Account;
  readonly traffic: Traffic;
  /** Returns the time of the provider. */
  readonly now: () => Date;
  /** Whether the process that uses it was killed. */
  readonly isDead: () => boolean;
  /** Chooses what happens to a request. */
  readonly trouble: () => Trouble;
  /** Whether a request that only reads fails. */
  readonly failsToRead: () => boolean;
  /** Until when tokens are refused. */
  readonly refusedUntil: () => Date;
  /** Refuses tokens for a while. */
  readonly refuse: () => void;
  readonly kill: () => void;
  /** Ends the time of all calls that wait. */
  readonly endTimeouts: () => void;
  /** Lets time pass while a request is on the way. */
  readonly hold: () => Promise<void>;
}

/** Headers of a connection, which a proxy does not forward. */
const HOP_BY_HOP = new Set(['connection', 'host', 'content-length', 'transfer-encoding', 'keep-alive']);

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Network between one process of an app and the API of a provider, in which requests and answers get lost. */
export class Network {
  readonly #options: NetworkOptions;
  readonly #server: Server;

  private constructor(options: NetworkOptions) {
    this.#options = options;
    this.#server = createServer((incoming, outgoing) => {
      this.#serve(incoming, outgoing).catch(() => outgoing.destroy());
    });
  }

  static async open(options: NetworkOptions): Promise<Network> {
    const network = new Network(options);
    await new Promise<void>((resolve) => void network.#server.listen(0, '127.0.0.1', resolve));
    return network;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { account, isDead, now, refusedUntil } = this.#options;
    const { method = '', url: path = '' } = incoming;
    const request = { method, path, body: await text(incoming) };
    // Nothing leaves a process that was killed.
    if (isDead()) return void outgoing.destroy();
    const asked = account.askedBy({ ...request, path: path.replace(/\?.*/, '') });
    if (now() < refusedUntil()) {
      if (asked) this.#note(asked, '401 for a while', undefined, false);
      return send(outgoing, { status: 401, headers: {}, body: '' });
    }
    if (!asked) return await this.#read(request, incoming, outgoing);
    await this.#act(asked, this.#options.trouble(), request, incoming, outgoing);
  }

  async #read(request: ApiRequest, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { account, traffic, now, failsToRead } = this.#options;
    if (failsToRead()) return send(outgoing, { status: 503, headers: {}, body: '' });
    const answer = await this.#forward(request, incoming);
    if (account.isLook(request) && answer.status === 200) {
      traffic.looks.push({ source: account.source, asked: request.path + request.body, at: now() });
    }
    send(outgoing, answer);
  }

  async #act(
    asked: Asked,
    trouble: Trouble,
    request: ApiRequest,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> {
    const { account, kill, endTimeouts, hold, refuse } = this.#options;
    const never = { status: 503, headers: {}, body: '' };
    const carryOut = async (): Promise<Answer> => {
      const before = effectsOf(account, asked);
      const answer = await this.#forward(request, incoming);
      this.#note(asked, trouble, answer, effectsOf(account, asked) > before);
      return answer;
    };
    const miss = (): void => this.#note(asked, trouble, undefined, false);
    switch (trouble) {
      case 'killed before':
        miss();
        kill();
        return void outgoing.destroy();
      case 'killed on the way':
        kill();
        await carryOut();
        return void outgoing.destroy();
      case 'killed after':
        await carryOut();
        kill();
        return void outgoing.destroy();
      case 'lost':
        miss();
        return void outgoing.destroy();
      case 'cut':
        return cut(outgoing, await carryOut());
      case '503 before':
        miss();
        return send(outgoing, never);
      case '503 after':
        await carryOut();
        return send(outgoing, never);
      case 'page after':
        await carryOut();
        return send(outgoing, { status: 200, headers: { 'content-type': 'text/html' }, body: '<html></html>' });
      case 'empty answer':
        await carryOut();
        return send(outgoing, { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' });
      case 'timeout before':
        miss();
        return endTimeouts();
      case 'timeout after':
        await carryOut();
        return endTimeouts();
      case 'held':
        await hold();
        return send(outgoing, await carryOut());
      case '429':
      case '429 with a time':
        account.faults.rateLimit({ cooldownMs: 90_000, retryAfter: trouble === '429 with a time' });
        return send(outgoing, await carryOut());
      case '401 for a while':
        miss();
        refuse();
        return send(outgoing, { status: 401, headers: {}, body: '' });
      case '403':
        miss();
        return send(outgoing, { status: 403, headers: {}, body: '' });
      case 'none':
        return send(outgoing, await carryOut());
    }
  }

  async #forward({ method, path, body }: ApiRequest, { headers }: IncomingMessage): Promise<Answer> {
    const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name));
    const response = await fetch(this.#options.account.origin + path, {
      method,
      headers: Object.fromEntries(kept) as Record<string, string>,
      ...(body !== '' && { body }),
    });
    const answered = [...response.headers].filter(([name]) => !HOP_BY_HOP.has(name) && name !== 'content-encoding');
    return { status: response.status, headers: Object.fromEntries(answered), body: await response.text() };
  }

  #note({ kind, target, cause = '' }: Asked, trouble: Trouble, answer: Answer | undefined, hasEffect: boolean): void {
    const { account, traffic, now } = this.#options;
    const isDone = answer !== undefined && answer.status < 300 && account.isDone(answer.body);
    traffic.requests.push({ source: account.source, kind, target, cause, trouble, at: now(), isDone, hasEffect });
  }
}

/** Returns the number of runs that a request has started or canceled. */
function effectsOf(account: Account, { kind, target, cause }: Asked): number {
  const isEffect = (run: AccountRun): boolean => {
    if (kind === 'retry') return run.retryOf === target;
    return kind === 'trigger' ? run.cause === cause : run.id === target && run.isCanceled;
  };
  return account.runs().filter(isEffect).length;
}

function send(outgoing: ServerResponse, { status, headers, body }: Answer): void {
  outgoing.writeHead(status, headers).end(body);
}

/** Closes the connection within the body. */
function cut(outgoing: ServerResponse, { status, headers, body }: Answer): void {
  const bytes = Buffer.from(body);
  outgoing.writeHead(status, { ...headers, 'content-length': String(bytes.length + 1) });
  outgoing.write(bytes, () => outgoing.destroy());
}
