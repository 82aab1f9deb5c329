import { FailureLog } from '../log/failure-log.js';
import type { Logger } from '../log/logger.js';

/**
 * Keeps a failing store from ending the work of the process: a failure is logged, and the caller gets a default and
 * tries again later. Work that was not recorded comes back when its lease expires.
 */
export class StoreGuard {
  readonly #failures: FailureLog;

  constructor(logger: Logger) {
    this.#failures = new FailureLog({
      failed: (failure) => {
        const code = 'RUNHOOKS_INBOX_UNAVAILABLE';
        logger.error(`Inbox is unavailable; work will be retried: ${failure}`, { code });
      },
      recovered: () => logger.log('Inbox is available again'),
    });
  }

  /** Returns the result of a step that writes, or `otherwise` if it fails. */
  write<T>(step: () => Promise<T>, otherwise: T): Promise<T> {
    return this.read(async () => {
      const result = await step();
      this.#failures.worked();
      return result;
    }, otherwise);
  }

  /**
   * Returns the result of a step that only reads, or `otherwise` if it fails. Its success does not end an outage: a full
   * disk, for example, can still be read.
   */
  async read<T>(step: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await step();
    } catch (error) {
      this.#failures.failed(error);
      return otherwise;
    }
  }
}
