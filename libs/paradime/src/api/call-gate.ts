import { timers } from 'nestjs-runhooks/core';

/** Limits of a {@link CallGate}. */
export interface GateLimits {
  readonly concurrency: number;
  readonly callsPerSecond: number;
}

/** Time of a {@link CallGate}, for tests. */
export interface GateTime {
  /** Returns the milliseconds since some moment. */
  monotonicMs(): number;
  /** Resolves after `ms`. */
  pause(ms: number): Promise<void>;
}

/** Limits the calls of one client: so many at the same time, and a pause between the starts of two. They start in order. */
export class CallGate {
  readonly #limits: GateLimits;
  readonly #time: GateTime;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #nextAtMs = 0;

  constructor(limits: GateLimits, time: GateTime = timers) {
    this.#limits = limits;
    this.#time = time;
  }

  /** Makes a call when its turn has come. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limits.concurrency) this.#running++;
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
    this.#nextAtMs = atMs + 1_000 / this.#limits.callsPerSecond;
    if (atMs > nowMs) await this.#time.pause(atMs - nowMs);
  }
}
