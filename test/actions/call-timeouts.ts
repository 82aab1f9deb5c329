import { timers } from 'nestjs-runhooks/internal';

/** Time after which a client gives up a call. No other timer of Runhooks has it. */
const TIMEOUT_MS = 15_000;

/** Timeouts of calls to APIs, which end when a test says so. */
export class CallTimeouts {
  readonly #open = new Map<NodeJS.Timeout, () => void>();
  readonly #restore: () => void;

  /** Takes the place of the timers until {@link restore}. */
  constructor() {
    const { setTimeout, clearTimeout } = timers;
    timers.setTimeout = (run, ms) => {
      const timer = setTimeout(() => {
        this.#open.delete(timer);
        run();
      }, ms);
      if (ms === TIMEOUT_MS) this.#open.set(timer, run);
      return timer;
    };
    timers.clearTimeout = (timer) => {
      if (timer) this.#open.delete(timer);
      clearTimeout(timer);
    };
    this.#restore = () => Object.assign(timers, { setTimeout, clearTimeout });
  }

  /** Ends the time of all calls that wait for an answer. */
  end(): void {
    const ended = [...this.#open];
    for (const [timer] of ended) timers.clearTimeout(timer);
    for (const [, run] of ended) run();
  }

  restore(): void {
    this.#restore();
  }
}
