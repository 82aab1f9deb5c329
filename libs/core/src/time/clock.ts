import { timers } from './timers.js';

/** A source of time. Tests use a manual clock; otherwise it is the clock of the host or of the inbox. */
export interface Clock {
  now(): Date;
  /**
   * Returns the milliseconds since some moment, by a monotonic clock. Without it, a change of the clock while the process
   * runs is not detected.
   */
  elapsedMs?(): number;
}

/** The clock of the host. */
export const systemClock: Required<Clock> = { now: () => new Date(), elapsedMs: () => timers.monotonicMs() };
