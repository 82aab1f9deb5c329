import type { Clock } from 'nestjs-runhooks/core';

/** A clock that stands still until it is told otherwise: `WebhooksModule.forRoot({ …, clock })`. */
export class ManualClock implements Required<Clock> {
  #nowMs: number;
  #elapsedMs = 0;

  /** @param start where the clock stands first; the system's time by default */
  constructor(start: Date = new Date()) {
    this.#nowMs = start.getTime();
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** Forward: so much time passes. Back, by a negative number: the clock is set, as by {@link step}. */
  advance(ms: number): void {
    this.#nowMs += ms;
    this.#elapsedMs += Math.max(0, ms);
  }

  /** The same up to this time. */
  set(date: Date): void {
    this.advance(date.getTime() - this.#nowMs);
  }

  /** Somebody sets the clock, forward or back; no time passes. */
  step(ms: number): void {
    this.#nowMs += ms;
  }
}
