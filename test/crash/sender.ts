import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SignedWebhook } from 'nestjs-runhooks/testing';
import type { Random } from './random.js';
import type { PlannedMessage, RunPlan } from './run-plan.js';

const WORKERS = 16;
/** Default of `pauseMs`: the load that one process handles with ease on SQLite. */
const PAUSE_MS = 90;
/** Of the messages that were acknowledged, the share that is sent again, at once or later. */
const DUPLICATES = 0.25;
/** Late duplicates are drawn from this many messages. */
const REMEMBERED = 5_000;
const ANSWER_MS_MAX = 20_000;

export interface SenderOptions {
  readonly plan: RunPlan;
  readonly random: Random;
  readonly now: () => Date;
  /** The ports that take webhooks now. */
  readonly ports: () => readonly number[];
  /** Pause between two runs of a worker, on average. @default 90 */
  readonly pauseMs?: number;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What a message was answered. */
export interface Acknowledged {
  readonly message: PlannedMessage;
  /** Ids of the stored message, as answered; all answers must name one. */
  readonly ids: Set<string>;
  /** Whether any answer said that it was new. If none did, a process was killed between the commit and its answer. */
  wasAccepted: boolean;
}

/**
 * Sends webhooks as providers do: several at a time over kept connections, again and again until each is answered 2xx,
 * and now and then once more after that.
 */
export class Sender {
  readonly acknowledged = new Map<string, Acknowledged>();
  /** Copies sent of messages that had been acknowledged, or beside a first copy. */
  duplicates = 0;
  /** Sendings without an answer, or answered 503: sent again. */
  unanswered = 0;
  /** Answers that no kill explains. */
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

  /** Sends until so many messages are acknowledged, and what belongs to them. */
  async sendAtLeast(messages: number): Promise<void> {
    this.start();
    while (this.acknowledged.size < messages) await sleep(1);
    await this.finish();
  }

  /** Begins no new runs. Resolves when everything that was begun is acknowledged. */
  async finish(): Promise<void> {
    this.#finishing = true;
    await this.#workers;
    this.#agent.destroy();
  }

  /** Stops at once, whatever is not acknowledged. */
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
      // One time the same message beside itself, the other time any older one.
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
      const answer = port === undefined ? undefined : await this.#post(port, message, message.sign(now()));
      if (answer && answer.status >= 200 && answer.status < 300) return this.#acknowledge(message, answer);
      if (answer && answer.status !== 503) {
        this.problems.push(`message ${message.key} was answered ${answer.status}: ${answer.body}`);
        return;
      }
      if (port !== undefined) this.unanswered += 1;
      await sleep(random.between(5, 40));
    }
  }

  #acknowledge(message: PlannedMessage, { body }: Answer): void {
    const key = `${message.source} ${message.key}`;
    const { id, status } = JSON.parse(body) as { id: string; status: string };
    const known = this.acknowledged.get(key) ?? { message, ids: new Set(), wasAccepted: false };
    known.ids.add(id);
    known.wasAccepted ||= status === 'accepted';
    this.acknowledged.set(key, known);
  }

  /** Undefined where the connection was refused or broke before the answer. */
  #post(port: number, { source, key }: PlannedMessage, webhook: SignedWebhook): Promise<Answer | undefined> {
    const { body, headers } = webhook;
    return new Promise((resolve) => {
      const sending = request(
        { host: '127.0.0.1', port, path: `/webhooks/${source}`, method: 'POST', agent: this.#agent, headers },
        (response) => {
          text(response).then(
            (answered) => resolve({ status: response.statusCode ?? 0, body: answered }),
            () => resolve(undefined),
          );
        },
      );
      sending.setTimeout(ANSWER_MS_MAX, () => {
        this.problems.push(`message ${key} was not answered within ${ANSWER_MS_MAX} ms`);
        sending.destroy();
      });
      sending.on('error', () => resolve(undefined)).end(body);
    });
  }
}
