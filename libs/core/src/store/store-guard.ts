import { describeError } from '../thrown.js';
import type { Logger } from '../logger.js';
import { Reasons } from '../reasons.js';

/**
 * A store that fails must not end the work of a process: each reason is said once, and it is tried again later. Leases bring back what
 * was not recorded.
 */
export class StoreGuard {
  readonly #logger: Logger;
  readonly #reasons = new Reasons();
  #hasFailed = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The step's result, or `otherwise` if it failed. */
  write<T>(step: () => Promise<T>, otherwise: T): Promise<T> {
    return this.read(async () => {
      const result = await step();
      if (this.#hasFailed) this.#logger.log('Inbox is available again');
      this.#hasFailed = false;
      this.#reasons.clear();
      return result;
    }, otherwise);
  }

  /** The same for a step that only looks. That it works says nothing about writing, for example on a full disk. */
  async read<T>(step: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await step();
    } catch (error) {
      const failure = describeError(error);
      if (this.#reasons.isNew(failure)) {
        this.#logger.error(`Inbox is unavailable; work will be retried: ${failure}`, {
          code: 'RUNHOOKS_INBOX_UNAVAILABLE',
        });
      }
      this.#hasFailed = true;
      return otherwise;
    }
  }
}
