import type { InboxCounts } from 'nestjs-runhooks';
import type { Child } from './child.js';
import type { ContenderName } from './contenders/contenders.js';
import type { Question, Usage } from './contenders/serve.js';

/** The bench's side of a contender's process. */
export class Contender {
  readonly name: ContenderName;
  readonly port: number;
  /** Number of requests that it has responded to. */
  sent = 0;
  readonly #child: Child;

  constructor(name: ContenderName, child: Child, port: number) {
    this.name = name;
    this.port = port;
    this.#child = child;
  }

  async usage(): Promise<Usage> {
    return (await this.#ask('usage')) as Usage;
  }

  /** Resolves with the time of the system's monotonic clock when that many handlers have finished. */
  async handledAtMs(handledAtLeast: number): Promise<number> {
    return (await this.#ask({ handledAtLeast })) as number;
  }

  /** Returns the counts of its inbox, or null for contenders without an inbox. */
  async counts(): Promise<InboxCounts | null> {
    return (await this.#ask('counts')) as InboxCounts | null;
  }

  async startedAtMs(): Promise<Readonly<Record<string, number>>> {
    return (await this.#ask('startedAtMs')) as Record<string, number>;
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }

  async #ask(question: Question): Promise<unknown> {
    return await this.#child.ask(question);
  }
}
