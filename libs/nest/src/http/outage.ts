import { LIMITS, Reasons, timers, type LogCode, type Logger } from 'nestjs-runhooks/core';

export interface OutageOptions {
  readonly source: string;
  /** The state of the source, for example `is responding with 503`. */
  readonly trouble: string;
  readonly code: LogCode;
  /** What it does when that is over; the number of requests follows. */
  readonly over: string;
  /** For how long there was none before it is over, in milliseconds. */
  readonly quietMs: number;
  readonly logger: Logger;
}

/**
 * Logs that requests to a source meet a trouble of this app, whoever sends them and however many: each reason once and
 * no more than a few, a count every few minutes while that goes on, and how many there were when it is over.
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
        `Source "${source}" ${trouble}: ${reason}. Further responses for this reason are counted, not logged`,
        {
          source,
          code,
        },
      );
    } else if (this.#latestMs - this.#loggedMs >= LIMITS.refusalEveryMs) {
      this.#loggedMs = this.#latestMs;
      logger.error(`Source "${source}" still ${trouble}: ${this.#requests} requests so far. ${reason}`, {
        source,
        code,
      });
    }
  }

  /** To be called for every request without the trouble. Where too many wait, some are stored while others are refused. */
  end(): void {
    const { source, over, quietMs, logger } = this.#options;
    if (this.#requests === 0 || timers.monotonicMs() - this.#latestMs < quietMs) return;
    logger.log(`Source "${source}" ${over}: ${this.#requests}`, { source });
    this.#requests = 0;
    this.#reasons.clear();
  }
}
