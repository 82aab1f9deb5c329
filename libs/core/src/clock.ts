import { timers } from './timers.js';

/** Where the time comes from. Tests hold one; everything else uses {@link systemClock}. */
export interface Clock {
  now(): Date;
  /**
   * Milliseconds since some moment, by a clock that nobody sets. Optional: without it nothing notices when the clock is
   * set while the process runs.
   */
  elapsedMs?(): number;
}

export const systemClock: Required<Clock> = { now: () => new Date(), elapsedMs: () => timers.monotonicMs() };
