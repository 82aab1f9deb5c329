import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SignedWebhook } from 'nestjs-runhooks/testing';
import type { Random } from './random.js';
import type { PlannedMessage, RunPlan } from './run-plan.js';

const WORKERS = 16;
/** Default of `pauseMs`, with a load that one process handles easily on SQLite. */
const PAUSE_MS = 90;
/** Share of the acknowledged messages that is sent again, at once or later. */
const DUPLICATES = 0.25;
/** Number of messages from which late duplicates are drawn. */
const REMEMBERED = 5_000;
const RESPONSE_MS_MAX = 20_000;

export interface SenderOptions {
  readonly plan: RunPlan;
  readonly random: Random;
  readonly now: () => Date;
  /** Returns the ports that accept webhooks now. */
  readonly ports: () => readonly number[];
  /**
   * Average pause between two runs of a worker.
   * @default 90
   */
  readonly pauseMs?: number;
}

interface Response {
  readonly status: number;
  readonly body: string;
}

/** The responses to one message. */
export interface Acknowledged {
  readonly message: PlannedMessage;
  /** Ids of the stored message in the responses, which must all be the same. */
  readonly ids: Set<string>;
  /** True if any response had status accepted. Otherwise a process was killed between the commit and its response. */
  wasAccepted: boolean;
}

/**
 * Sends webhooks like providers: several at a time over kept connections, repeated until each gets a 2xx response, and
 * some once more after that.
 */
export class Sender {
  readonly acknowledged = new Map<string, Acknowledged>();
  /** Number of copies sent of acknowledged messages, or beside a first copy. */
  duplicates = 0;
  /** Number of requests without a response or with 503, which were repeated. */
  unanswered = 0;
  /** Responses that no kill explains. */
  readonly problems: string[] = [];
  readonly #options: SenderOptions;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #recent: PlannedMessage[] = [];
  #workers: Promise<unknown> | undefined;
  #finishing = false;
  #isAborted = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  start(): void {
    this.#workers ??= Promise.all(Array.from({ length: WORKERS }, () => this.#work()));
  }

  /** Sends until this many messages are acknowledged, and then completes their runs. */
  async sendAtLeast(messages: number): Promise<void> {
    this.start();
    while (this.acknowledged.size < messages) await sleep(1);
    await this.finish();
  }

  /** Begins no new runs. Resolves when everything begun is acknowledged. */
  async finish(): Promise<void> {
    this.#finishing = true;
    await this.#workers;
    this.#agent.destroy();
  }

  /** Stops at once, even if messages are not acknowledged. */
  abort(): void {
    this.#finishing = true;
    this.#isAborted = true;
    this.#agent.destroy();
  }

  async #work(): Promise<void> {
    const { plan, random, now, pauseMs = PAUSE_MS } = this.#options;
    while (!this.#finishing) {
      for (const message of plan.next(now()).messages) await this.#sendWithDuplicates(message);
      await sleep(random.between(0, 2 * pauseMs));
    }
  }

  async #sendWithDuplicates(message: PlannedMessage): Promise<void> {
    const { random } = this.#options;
    const copies = [this.#untilAcknowledged(message)];
    if (random.chance(DUPLICATES)) {
      this.duplicates += 1;
      // The copy is either the same message sent at the same time, or any older one.
      copies.push(this.#untilAcknowledged(random.chance(0.5) ? message : (random.pick(this.#recent) ?? message)));
    }
    await Promise.all(copies);
    if (this.#recent.length < REMEMBERED) this.#recent.push(message);
    else this.#recent[Math.floor(random.next() * REMEMBERED)] = message;
  }

  async #untilAcknowledged(message: PlannedMessage): Promise<void> {
    const { random, now, ports } = this.#options;
    while (!this.#isAborted) {
      const port = random.pick(ports());
      const response = port === undefined ? undefined : await this.#post(port, message, message.sign(now()));
      if (response && response.status >= 200 && response.status < 300) return this.#acknowledge(message, response);
      if (response && response.status !== 503) {
        this.problems.push(`message ${message.key} got status ${response.status}: ${response.body}`);
        return;
      }
      if (port !== undefined) this.unanswered += 1;
      await sleep(random.between(5, 40));
    }
  }

  #acknowledge(message: PlannedMessage, { body }: Response): void {
    const key = `${message.source} ${message.key}`;
    const { id, status } = JSON.parse(body) as { id: string; status: string };
    const known = this.acknowledged.get(key) ?? { message, ids: new Set(), wasAccepted: false };
    known.ids.add(id);
    known.wasAccepted ||= status === 'accepted';
    this.acknowledged.set(key, known);
  }

  /** Resolves with undefined if the connection was refused or broke before the response. */
  #post(port: number, { source, key }: PlannedMessage, webhook: SignedWebhook): Promise<Response | undefined> {
    const { body, headers } = webhook;
    return new Promise((resolve) => {
      const sending = request(
        { host: '127.0.0.1', port, path: `/webhooks/${source}`, method: 'POST', agent: this.#agent, headers },
        (response) => {
          text(response).then(
            (received) => resolve({ status: response.statusCode ?? 0, body: received }),
            () => resolve(undefined),
          );
        },
      );
      sending.setTimeout(RESPONSE_MS_MAX, () => {
        this.problems.push(`message ${key} got no response within ${RESPONSE_MS_MAX} ms`);
        sending.destroy();
      });
      sending.on('error', () => resolve(undefined)).end(body);
    });
  }
}
