import type { Clock } from 'nestjs-runhooks/internal';
import type { ManualClock } from 'nestjs-runhooks/testing';

/** Clock of the hosts of an app, which can be wrong while that of the providers is right. */
export class AppClock implements Required<Clock> {
  readonly #right: ManualClock;
  #aheadMs = 0;
  #latestMs = 0;

  constructor(right: ManualClock) {
    this.#right = right;
  }

  now(): Date {
    const now = new Date(this.#right.now().getTime() + this.#aheadMs);
    this.#latestMs = Math.max(this.#latestMs, now.getTime());
    return now;
  }

  elapsedMs(): number {
    return this.#right.elapsedMs();
  }

  /** Returns the latest time that it has shown. */
  latestNow(): Date {
    this.now();
    return new Date(this.#latestMs);
  }

  /** Sets the clock back by `ms` milliseconds; 0 makes it right again. */
  setBack(ms: number): void {
    this.#aheadMs = -ms;
  }
}
