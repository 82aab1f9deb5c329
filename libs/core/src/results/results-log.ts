import { FailureLog } from '../log/failure-log.js';
import type { Logger } from '../log/logger.js';
import type { ReadingLog } from './read-results.js';

/** Logs which sources do not answer with results. All runs of a source wait for the same reason, so it is logged once. */
export class ResultsLog {
  readonly #logger: Logger;
  readonly #bySource = new Map<string, FailureLog>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Returns the log of one source. */
  of(source: string): ReadingLog {
    let log = this.#bySource.get(source);
    if (!log) {
      log = new FailureLog({
        failed: (failure) =>
          this.#logger.warn(
            `Source "${source}" does not answer with results of runs: ${failure}. Retrying for up to 7 days`,
            { source, code: 'RUNHOOKS_RESULTS_UNAVAILABLE' },
          ),
        recovered: () => this.#logger.log(`Source "${source}" answers with results of runs again`, { source }),
      });
      this.#bySource.set(source, log);
    }
    return log;
  }
}
