import type { LogCode, Logger } from 'nestjs-runhooks/core';
import { LIMITS, Reasons, timers } from 'nestjs-runhooks/internal';

/** Options for {@link Outage}. */
export interface OutageOptions {
  readonly source: string;
  /** State of the source, for example `responding with 503`. */
  readonly trouble: string;
  readonly code: LogCode;
  /** Returns the state of the source after an outage of so many requests. */
  readonly over: (requests: number) => string;
  /** Milliseconds without the trouble after which the outage is over. */
  readonly quietMs: number;
  readonly logger: Logger;
}

/**
 * Logs a problem of this app with the requests to one source, however many requests there are: each reason once and only
 * a few reasons, a count every few minutes, and the total when the problem is over.
 */
export class Outage {
  readonly #options: OutageOptions;
  readonly #reasons = new Reasons();
  #requests = 0;
  #latestMs = 0;
  #loggedMs = 0;

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  note(reason: string): void {
    const { source, trouble, code, logger } = this.#options;
    this.#requests += 1;
    this.#latestMs = timers.monotonicMs();
    if (this.#reasons.isNew(reason)) {
      this.#loggedMs = this.#latestMs;
      logger.error(
        `Source "${source}" is ${trouble}: ${reason}. Further responses for this reason are counted, not logged`,
        { source, code },
      );
    } else if (this.#latestMs - this.#loggedMs >= LIMITS.refusalEveryMs) {
      this.#loggedMs = this.#latestMs;
      logger.error(`Source "${source}" is still ${trouble}: ${this.#requests} requests so far. ${reason}`, {
        source,
        code,
      });
    }
  }

  /** Call it for every request without the problem. Under overload, some requests succeed while others do not. */
  end(): void {
    const { source, over, quietMs, logger } = this.#options;
    if (this.#requests === 0 || timers.monotonicMs() - this.#latestMs < quietMs) return;
    logger.log(`Source "${source}" ${over(this.#requests)}`, { source });
    this.#requests = 0;
    this.#reasons.clear();
  }
}
