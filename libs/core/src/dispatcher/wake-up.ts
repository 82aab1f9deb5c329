import { within } from '../within.js';

/** Lets one loop sleep until a time has passed or somebody wakes it; a call during its work is not lost. */
export class WakeUp {
  #called = false;
  #wake: (() => void) | undefined;

  now(): void {
    this.#called = true;
    this.#wake?.();
  }

  /** Forget earlier calls: the loop is about to look. */
  reset(): void {
    this.#called = false;
  }

  /** Answers whether somebody called. Waiting keeps the process alive: a worker without a server has nothing else that does. */
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
