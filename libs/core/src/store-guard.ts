import { attemptError } from './attempt.js';
import type { Logger } from './logger.js';

/**
 * A store that fails must not end the work of a process: it is said once, and tried again later. Leases bring back what
 * was not recorded.
 */
export class StoreGuard {
  readonly #logger: Logger;
  #failed = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The step's result, or `otherwise` if it failed. */
  async run<T>(step: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      const result = await step();
      if (this.#failed) this.#logger.log('the inbox answers again');
      this.#failed = false;
      return result;
    } catch (error) {
      const { name, message } = attemptError(error);
      if (!this.#failed) this.#logger.error(`the inbox failed, its work waits and is tried again: ${name}: ${message}`);
      this.#failed = true;
      return otherwise;
    }
  }
}
