import { within } from './within.js';

/** Wakes one loop that sleeps. A wake-up during the loop's work is not lost: it ends the next sleep at once. */
export class WakeUp {
  #called = false;
  #wake: (() => void) | undefined;

  /** Wakes the loop. */
  now(): void {
    this.#called = true;
    this.#wake?.();
  }

  /** Forgets earlier wake-ups, because the loop is about to poll. */
  reset(): void {
    this.#called = false;
  }

  /** Sleeps for at most `waitMs`. Returns whether it was woken. The timer keeps alive a worker that runs no server. */
  async wait(waitMs: number): Promise<boolean> {
    if (!this.#called) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await within(woken, waitMs);
      this.#wake = undefined;
    }
    return this.#called;
  }
}
