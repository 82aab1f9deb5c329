import type { Clock } from 'nestjs-runhooks';

/**
 * Clock for tests that changes only when a test moves it.
 *
 * ```ts
 * const clock = new ManualClock();
 * WebhooksModule.forRoot({ …, clock });
 * clock.advance(60_000);
 * await waitUntilIdle(app);
 * ```
 */
export class ManualClock implements Required<Clock> {
  #nowMs: number;
  #elapsedMs = 0;

  /** @param start first time of the clock, by default the system's time */
  constructor(start: Date = new Date()) {
    this.#nowMs = start.getTime();
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** Lets `ms` milliseconds pass. A negative number sets the clock back, as {@link step} does. */
  advance(ms: number): void {
    this.#nowMs += ms;
    this.#elapsedMs += Math.max(0, ms);
  }

  /** Advances the clock to a time. */
  set(date: Date): void {
    this.advance(date.getTime() - this.#nowMs);
  }

  /** Sets the clock forward or back by `ms` milliseconds, while no time passes. */
  step(ms: number): void {
    this.#nowMs += ms;
  }
}
