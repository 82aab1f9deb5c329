import { timers } from '../timers.js';

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
      await new Promise<void>((resolve) => {
        const timer = timers.setTimeout(resolve, waitMs);
        this.#wake = () => {
          timers.clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    return this.#called;
  }
}
