import { LIMITS, Reasons, timers, type Logger } from 'nestjs-runhooks/core';

/**
 * Logs that a source answers 503: each reason once and no more than a few, a count every few minutes while that goes
 * on, and how often it did once messages are stored again.
 */
export class Outage {
  readonly #source: string;
  readonly #logger: Logger;
  readonly #reasons = new Reasons();
  #requests = 0;
  #latestMs = 0;
  #loggedMs = 0;

  constructor(source: string, logger: Logger) {
    this.#source = source;
    this.#logger = logger;
  }

  note({ message }: { readonly message: string }): void {
    this.#requests += 1;
    this.#latestMs = timers.monotonicMs();
    if (this.#reasons.isNew(message)) {
      this.#loggedMs = this.#latestMs;
      this.#logger.error(
        `source "${this.#source}" answers 503: ${message}; further ones for this reason are counted only`,
      );
    } else if (this.#latestMs - this.#loggedMs >= LIMITS.refusalEveryMs) {
      this.#loggedMs = this.#latestMs;
      this.#logger.error(`source "${this.#source}" still answers 503: ${this.#requests} requests so far. ${message}`);
    }
  }

  /** To be called for every message that was stored. Where too many wait, some are while others are refused. */
  end(): void {
    if (this.#requests === 0 || timers.monotonicMs() - this.#latestMs < LIMITS.outageQuietMs) return;
    this.#logger.log(
      `source "${this.#source}" stores messages again; requests answered 503 meanwhile: ${this.#requests}`,
    );
    this.#requests = 0;
    this.#reasons.clear();
  }
}
