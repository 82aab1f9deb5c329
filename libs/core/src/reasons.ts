import { LIMITS } from './limits.js';

/**
 * Reasons for one failure, each of which is logged once: no more than {@link LIMITS.outageReasonsMax}, because texts of a
 * driver may differ each time, by a port or a process id.
 */
export class Reasons {
  readonly #logged = new Set<string>();

  /** Whether `reason` is to be logged: then it counts as logged. */
  isNew(reason: string): boolean {
    if (this.#logged.has(reason) || this.#logged.size >= LIMITS.outageReasonsMax) return false;
    this.#logged.add(reason);
    return true;
  }

  /** The failure is over: the next one has reasons of its own. */
  clear(): void {
    this.#logged.clear();
  }
}
