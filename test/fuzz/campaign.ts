import { NEST_LIMITS } from 'inside/nest-limits';
import { BatchRecord, InboxCheck } from './inbox-check.js';
import { CaseSource } from './cases.js';
import { EventLoopWatch } from './event-loop-watch.js';
import { described, refute } from './fault.js';
import type { FuzzApp } from './fuzz-app.js';
import type { FuzzCase } from './fuzz-case.js';
import { FuzzConnection, type FuzzAnswer } from './fuzz-connection.js';
import { Random } from './random.js';
import { SECRETS } from './targets.js';

const CONNECTIONS = 16;
/** The edge would wait longer for a body: nobody here keeps it waiting. */
const HANGS_MS = NEST_LIMITS.bodyReadMs - 1_000;

/** What became of the requests so far. */
export class Tally {
  requests = 0;
  accepted = 0;
  duplicate = 0;
  /** Refused by Runhooks, by status. */
  readonly refused: Record<number, number> = {};
  /** Refused by a route or a filter of the host. */
  byHost = 0;
  /** Refused by Node's HTTP parser. */
  byParser = 0;
  /** The connection ended without an answer. */
  unanswered = 0;
  longestBlockMs = 0;
}

/** Sends generated requests to one app, and looks after each batch for what must never be. */
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

  /** Throws at the first thing that must not be. */
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
    refute(fault !== undefined, () => `the log has: ${fault}`);
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
    if (fuzz.statuses) await this.#expectAnswers(connection, fuzz, fuzz.statuses);
    else await this.#expectEnd(connection, fuzz);
  }

  async #expectAnswers(connection: FuzzConnection, fuzz: FuzzCase, statuses: readonly number[]): Promise<void> {
    for (const status of statuses) {
      const answer = await connection.answer(HANGS_MS);
      if (!answer) throw new Error(`no answer where ${status} was expected: ${described(fuzz)}`);
      const isOurs = this.#note(fuzz, answer);
      refute(
        answer.status !== status || !isOurs,
        () => `${answer.status} ${answer.text} where ${status} was expected: ${described(fuzz)}`,
      );
      if (answer.closes) connection.destroy();
    }
    refute(connection.rest().length > 0, () => `an answer that nobody asked for: ${described(fuzz)}`);
  }

  async #expectEnd(connection: FuzzConnection, fuzz: FuzzCase): Promise<void> {
    const isClosed = await connection.closed(HANGS_MS);
    refute(!isClosed, () => `nothing ended the connection: ${described(fuzz)}`);
    const answers = connection.rest();
    if (answers.length === 0) this.tally.unanswered += 1;
    for (const answer of answers) this.#note(fuzz, answer);
  }

  /** Checks and counts an answer, and tells whether it is one of Runhooks. */
  #note(fuzz: FuzzCase, { status, text }: FuzzAnswer): boolean {
    refute(!(status >= 200 && status < 500), () => `${status} ${text}: ${described(fuzz)}`);
    const secret = SECRETS.find((one) => text.includes(one));
    refute(secret !== undefined, () => `the answer tells ${secret}: ${described(fuzz)}`);
    const said = saidBy(text);
    if (!said) {
      refute(status < 400, () => `${status} ${text} by someone else: ${described(fuzz)}`);
      this.tally[isOfParser(text) ? 'byParser' : 'byHost'] += 1;
    } else if (status === 200) {
      refute(fuzz.proven.length === 0, () => `200 without a proof: ${described(fuzz)}`);
      this.#noteStored(fuzz, said);
    } else {
      this.tally.refused[status] = (this.tally.refused[status] ?? 0) + 1;
    }
    return said !== undefined;
  }

  #noteStored(fuzz: FuzzCase, { status, id }: Said): void {
    const { acceptedIds, duplicateIds } = this.#batch;
    if (status === 'accepted') {
      refute(acceptedIds.has(id), () => `accepted once more as ${id}: ${described(fuzz)}`);
      acceptedIds.add(id);
      this.tally.accepted += 1;
    } else {
      duplicateIds.add(id);
      this.tally.duplicate += 1;
    }
  }
}

interface Said {
  readonly status: string;
  readonly id: string;
}

/** What Runhooks said; undefined if it was someone else. */
function saidBy(text: string): Said | undefined {
  try {
    const { status, message, id, ...others } = JSON.parse(text) as Record<string, unknown>;
    const isOurs = typeof status === 'string' && typeof message === 'string' && Object.keys(others).length === 0;
    return isOurs ? { status, id: String(id) } : undefined;
  } catch {
    return undefined;
  }
}

/** Before there was a request to route: Node says nothing but the status, Fastify puts this into words. */
function isOfParser(text: string): boolean {
  return (
    text === '' ||
    text.includes('"message":"Client Error"') ||
    text.includes('Exceeded maximum allowed HTTP header size')
  );
}
