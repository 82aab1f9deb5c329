import { timers } from 'nestjs-runhooks/internal';
import { NEST_LIMITS } from '../limits.js';

/** A body that is being read. */
export interface TimedBody {
  /** Called once when its time is up. Must not throw. */
  timeUp(): void;
}

/** Checks that pass before a body has certainly had its whole time, because it can begin just before one. */
const CHECKS = Math.ceil(NEST_LIMITS.bodyReadMs / NEST_LIMITS.bodyCheckMs) + 1;

/**
 * One timer for all bodies of an app that are being read: most of them arrive at once, and a timer for each would cost more
 * than its bytes. It ends a body `bodyReadMs` after its start, or up to `bodyCheckMs` later. It counts its own checks
 * instead of reading a clock, and runs only while bodies are being read.
 */
export class BodyTimer {
  /** The check at which the time of each body is up. The first entry is the oldest body. */
  readonly #dueAt = new Map<TimedBody, number>();
  #checks = 0;
  #isArmed = false;

  start(body: TimedBody): void {
    this.#dueAt.set(body, this.#checks + CHECKS);
    if (!this.#isArmed) this.#arm();
  }

  /** Ends the time of a body that is no longer read. */
  stop(body: TimedBody): void {
    this.#dueAt.delete(body);
  }

  #arm(): void {
    this.#isArmed = true;
    timers.setTimeout(() => this.#check(), NEST_LIMITS.bodyCheckMs).unref();
  }

  #check(): void {
    this.#checks += 1;
    this.#isArmed = false;
    for (const [body, dueAt] of this.#dueAt) {
      if (dueAt > this.#checks) break;
      this.#dueAt.delete(body);
      body.timeUp();
    }
    if (this.#dueAt.size > 0) this.#arm();
  }
}
