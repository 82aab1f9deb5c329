import { attemptError } from './attempt.js';
import type { Logger } from './logger.js';

/**
 * A store that fails must not end the work of a process: it is said once, and tried again later. Leases bring back what
 * was not recorded.
 */
export class StoreGuard {
  readonly #logger: Logger;
  /** What was last said to be wrong. */
  #failure: string | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The step's result, or `otherwise` if it failed. */
  write<T>(step: () => Promise<T>, otherwise: T): Promise<T> {
    return this.read(async () => {
      const result = await step();
      if (this.#failure !== undefined) this.#logger.log('the inbox answers again');
      this.#failure = undefined;
      return result;
    }, otherwise);
  }

  /** The same for a step that only looks. That it works says nothing about writing, for example on a full disk. */
  async read<T>(step: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await step();
    } catch (error) {
      const { name, message } = attemptError(error);
      const failure = `${name}: ${message}`;
      if (this.#failure !== failure) {
        this.#logger.error(`the inbox failed, its work waits and is tried again: ${failure}`);
      }
      this.#failure = failure;
      return otherwise;
    }
  }
}
