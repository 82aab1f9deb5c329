import { NEST_LIMITS } from 'inside/nest-limits';
import { BatchRecord, InboxCheck } from './inbox-check.js';
import { CaseSource } from './cases.js';
import { EventLoopWatch } from './event-loop-watch.js';
import { described, refute } from './fault.js';
import type { FuzzApp } from './fuzz-app.js';
import type { FuzzCase } from './fuzz-case.js';
import { FuzzConnection, type FuzzResponse } from './fuzz-connection.js';
import { Random } from './random.js';
import { SECRETS } from './targets.js';

const CONNECTIONS = 16;
/** Runhooks would wait longer for a body, but these senders never pause for long. */
const HANGS_MS = NEST_LIMITS.bodyReadMs - 1_000;

/** Counts of the results so far. */
export class Tally {
  requests = 0;
  accepted = 0;
  duplicate = 0;
  /** Requests rejected by Runhooks, by status. */
  readonly refused: Record<number, number> = {};
  /** Requests rejected by a route or a filter of the host. */
  byHost = 0;
  /** Requests rejected by Node's HTTP parser. */
  byParser = 0;
  /** Connections that ended without a response. */
  unanswered = 0;
  longestBlockMs = 0;
}

/** Sends generated requests to one app, and checks the invariants after each batch. */
export class Campaign {
  readonly tally = new Tally();
  readonly #target: FuzzApp;
  readonly #cases: CaseSource;
  readonly #inbox: InboxCheck;
  readonly #watch = new EventLoopWatch();
  #batch = new BatchRecord();

  constructor(target: FuzzApp, seed: number) {
    this.#target = target;
    this.#cases = new CaseSource(new Random(seed));
    this.#inbox = new InboxCheck(target.app);
  }

  /** Throws at the first broken invariant. */
  async run(requests: number): Promise<void> {
    this.#batch = new BatchRecord();
    this.#watch.start();
    try {
      await this.#sendAll(requests);
    } finally {
      this.#watch.stop();
    }
    this.tally.longestBlockMs = Math.max(this.tally.longestBlockMs, this.#watch.takeLongestMs());
    await this.#inbox.after(this.#batch);
    const [fault] = this.#target.log.faults;
    refute(fault !== undefined, () => `the log contains a forbidden line: ${fault}`);
  }

  async #sendAll(requests: number): Promise<void> {
    let left = requests;
    const sender = async (): Promise<void> => {
      let connection = this.#connect();
      try {
        while (left > 0) {
          left -= 1;
          if (connection.isClosed) connection = this.#connect();
          await this.#send(connection, this.#cases.next());
          this.tally.requests += 1;
        }
      } finally {
        left = 0;
        connection.destroy();
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: CONNECTIONS }, sender));
    for (const end of ended) if (end.status === 'rejected') throw end.reason;
  }

  #connect(): FuzzConnection {
    return new FuzzConnection(this.#target.port);
  }

  async #send(connection: FuzzConnection, fuzz: FuzzCase): Promise<void> {
    this.#batch.prove(fuzz.proven);
    for (const step of fuzz.steps) await connection.do(step);
    if (fuzz.statuses) await this.#expectResponses(connection, fuzz, fuzz.statuses);
    else await this.#expectEnd(connection, fuzz);
  }

  async #expectResponses(connection: FuzzConnection, fuzz: FuzzCase, statuses: readonly number[]): Promise<void> {
    for (const status of statuses) {
      const response = await connection.response(HANGS_MS);
      if (!response) throw new Error(`expected ${status}, got no response: ${described(fuzz)}`);
      const isOfRunhooks = this.#note(fuzz, response);
      refute(
        response.status !== status || !isOfRunhooks,
        () => `expected ${status}, got ${response.status} ${response.text}: ${described(fuzz)}`,
      );
      if (response.closes) connection.destroy();
    }
    refute(connection.rest().length > 0, () => `unexpected response: ${described(fuzz)}`);
  }

  async #expectEnd(connection: FuzzConnection, fuzz: FuzzCase): Promise<void> {
    const isClosed = await connection.closed(HANGS_MS);
    refute(!isClosed, () => `the connection was not ended: ${described(fuzz)}`);
    const responses = connection.rest();
    if (responses.length === 0) this.tally.unanswered += 1;
    for (const response of responses) this.#note(fuzz, response);
  }

  /** Checks and counts a response. Returns whether it comes from Runhooks. */
  #note(fuzz: FuzzCase, { status, text }: FuzzResponse): boolean {
    refute(!(status >= 200 && status < 500), () => `${status} ${text}: ${described(fuzz)}`);
    const secret = SECRETS.find((one) => text.includes(one));
    refute(secret !== undefined, () => `the response contains ${secret}: ${described(fuzz)}`);
    const runhooks = runhooksResponseOf(text);
    if (!runhooks) {
      refute(status < 400, () => `${status} ${text} not from Runhooks: ${described(fuzz)}`);
      this.tally[isOfParser(text) ? 'byParser' : 'byHost'] += 1;
    } else if (status === 200) {
      refute(fuzz.proven.length === 0, () => `200 without a proof: ${described(fuzz)}`);
      this.#noteStored(fuzz, runhooks);
    } else {
      this.tally.refused[status] = (this.tally.refused[status] ?? 0) + 1;
    }
    return runhooks !== undefined;
  }

  #noteStored(fuzz: FuzzCase, { status, id }: RunhooksResponse): void {
    const { acceptedIds, duplicateIds } = this.#batch;
    if (status === 'accepted') {
      refute(acceptedIds.has(id), () => `accepted again as ${id}: ${described(fuzz)}`);
      acceptedIds.add(id);
      this.tally.accepted += 1;
    } else {
      duplicateIds.add(id);
      this.tally.duplicate += 1;
    }
  }
}

interface RunhooksResponse {
  readonly status: string;
  readonly id: string;
}

/** Returns the response of Runhooks, or undefined for other responses. */
function runhooksResponseOf(text: string): RunhooksResponse | undefined {
  try {
    const { status, message, id, ...others } = JSON.parse(text) as Record<string, unknown>;
    const isOfRunhooks = typeof status === 'string' && typeof message === 'string' && Object.keys(others).length === 0;
    return isOfRunhooks ? { status, id: String(id) } : undefined;
  } catch {
    return undefined;
  }
}

/** Matches responses to requests that were never parsed: Node sends only a status, Fastify adds a text. */
function isOfParser(text: string): boolean {
  return (
    text === '' ||
    text.includes('"message":"Client Error"') ||
    text.includes('Exceeded maximum allowed HTTP header size')
  );
}
