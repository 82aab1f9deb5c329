import type { Clock } from 'nestjs-runhooks/core';

/** A clock that stands still until it is told otherwise: `WebhooksModule.forRoot({ …, clock })`. */
export class ManualClock implements Clock {
  #nowMs: number;

  /** @param start where the clock stands first; the system's time by default */
  constructor(start: Date = new Date()) {
    this.#nowMs = start.getTime();
  }

  now(): Date {
    return new Date(this.#nowMs);
  }

  /** Forward, or back by a negative number. */
  advance(ms: number): void {
    this.#nowMs += ms;
  }

  set(date: Date): void {
    this.#nowMs = date.getTime();
  }
}
