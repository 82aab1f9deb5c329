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

  /** The timer does not keep the process alive. */
  async wait(waitMs: number): Promise<void> {
    if (this.#called) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
