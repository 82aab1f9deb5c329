import { LIMITS } from '../limits.js';

/**
 * Reasons for one failure, each of which is logged once: at most `LIMITS.outageReasonsMax`, because a driver's
 * messages may all differ, for example by a port or a process id.
 */
export class Reasons {
  readonly #logged = new Set<string>();

  /** Returns whether `reason` must be logged, and counts it as logged. */
  isNew(reason: string): boolean {
    if (this.#logged.has(reason) || this.#logged.size >= LIMITS.outageReasonsMax) return false;
    this.#logged.add(reason);
    return true;
  }

  /** Forgets all reasons, because the failure is over. */
  clear(): void {
    this.#logged.clear();
  }
}
