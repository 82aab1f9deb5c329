import { timers } from 'nestjs-runhooks/core';
import { PARADIME_LIMITS } from '../limits.js';

/** Time of a {@link CallGate}, for tests. */
export interface GateTime {
  /** Returns the milliseconds since some moment. */
  monotonicMs(): number;
  /** Resolves after `ms`. */
  pause(ms: number): Promise<void>;
}

/** Limits the calls of one client: so many at the same time, and a pause between the starts of two. They start in order. */
export class CallGate {
  readonly #time: GateTime;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #nextAtMs = 0;

  constructor(time: GateTime = timers) {
    this.#time = time;
  }

  /** Makes a call when its turn has come. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#running < PARADIME_LIMITS.apiCallsMax) this.#running++;
    else await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    try {
      await this.#keepDistance();
      return await call();
    } finally {
      // A waiting call takes over the place.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }

  async #keepDistance(): Promise<void> {
    const nowMs = this.#time.monotonicMs();
    const atMs = Math.max(nowMs, this.#nextAtMs);
    this.#nextAtMs = atMs + PARADIME_LIMITS.apiCallEveryMs;
    if (atMs > nowMs) await this.#time.pause(atMs - nowMs);
  }
}
