import { LIMITS, timers, type Logger } from 'nestjs-runhooks/core';

/** Says that a source answers 503, each reason once, and how often it did once messages are stored again. */
export class Outage {
  readonly #source: string;
  readonly #logger: Logger;
  readonly #reasons = new Set<string>();
  #requests = 0;
  #latestMs = 0;

  constructor(source: string, logger: Logger) {
    this.#source = source;
    this.#logger = logger;
  }

  note({ message }: { readonly message: string }): void {
    this.#requests += 1;
    this.#latestMs = timers.monotonicMs();
    if (this.#reasons.has(message)) return;
    this.#reasons.add(message);
    this.#logger.error(
      `source "${this.#source}" answers 503: ${message}; further ones for this reason are counted only`,
    );
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
