import { LIMITS } from '../limits.js';
import { timers } from '../time/timers.js';

/**
 * Whether the store may have due work that this process does not know of: after a hint, and once a second in any case. Work
 * that a process has stored as already claimed needs no hint, so a busy process seldom asks the store.
 */
export class DueHint {
  #isGiven = true;
  /** Monotonic time of the last look. */
  #lookedAtMs = -Infinity;

  /** Notes that work may be due. */
  give(): void {
    this.#isGiven = true;
  }

  /** Whether it is time to look for due work. */
  get isDue(): boolean {
    return this.#isGiven || timers.monotonicMs() - this.#lookedAtMs >= LIMITS.pollMs;
  }

  /** Returns {@link isDue}. If it is, the caller looks now, and the hint is used up. */
  take(): boolean {
    if (!this.isDue) return false;
    this.#isGiven = false;
    this.#lookedAtMs = timers.monotonicMs();
    return true;
  }
}
