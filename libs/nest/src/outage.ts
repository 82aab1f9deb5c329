import type { Logger, StoreUnavailableError } from 'nestjs-runhooks/core';

/** Says once that, and why, a source answers 503, and how often it did once messages are stored again. */
export class Outage {
  readonly #source: string;
  readonly #logger: Logger;
  #requests = 0;
  #reason: string | undefined;

  constructor(source: string, logger: Logger) {
    this.#source = source;
    this.#logger = logger;
  }

  note({ message }: StoreUnavailableError): void {
    this.#requests += 1;
    if (this.#reason === message) return;
    this.#reason = message;
    this.#logger.error(
      `source "${this.#source}" answers 503: ${message}; further ones for this reason are counted only`,
    );
  }

  /** To be called for every message that was stored. */
  end(): void {
    if (this.#requests === 0) return;
    this.#logger.log(`source "${this.#source}" stores messages again; ${this.#requests} were answered 503 meanwhile`);
    this.#requests = 0;
    this.#reason = undefined;
  }
}
