import { FailureLog } from '../log/failure-log.js';
import type { Logger } from '../log/logger.js';
import { describeError } from '../thrown.js';
import type { ReadingLog } from './read-results.js';

/** Logs which sources do not return results. All runs of a source have the same reason, so it is logged once. */
export class ResultsLog {
  readonly #logger: Logger;
  readonly #bySource = new Map<string, ReadingLog>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Returns the log of one source. */
  of(source: string): ReadingLog {
    let log = this.#bySource.get(source);
    if (!log) this.#bySource.set(source, (log = new SourceLog(source, this.#logger)));
    return log;
  }
}

class SourceLog implements ReadingLog {
  readonly #source: string;
  readonly #logger: Logger;
  readonly #failures: FailureLog;
  #isRunMissing = false;

  constructor(source: string, logger: Logger) {
    this.#source = source;
    this.#logger = logger;
    this.#failures = new FailureLog({
      failed: (failure) =>
        logger.warn(`Results of runs of source "${source}" are unavailable: ${failure}. Retrying for up to 7 days`, {
          source,
          code: 'RUNHOOKS_RESULTS_UNAVAILABLE',
        }),
      recovered: () => logger.log(`Results of runs of source "${source}" are available again`, { source }),
    });
  }

  failed(error: unknown): void {
    this.#failures.failed(error);
  }

  missed(error: unknown): void {
    this.#failures.worked();
    if (this.#isRunMissing) return;
    this.#isRunMissing = true;
    this.#logger.warn(
      `A run of source "${this.#source}" has no results, because the API does not find it: ${describeError(error)}. Further ` +
        'runs are not logged',
      { source: this.#source, code: 'RUNHOOKS_RUN_NOT_FOUND' },
    );
  }

  waited(): void {
    this.#failures.worked();
  }

  worked(): void {
    this.#failures.worked();
    this.#isRunMissing = false;
  }
}
