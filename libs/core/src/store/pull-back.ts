import { LIMITS } from '../limits.js';

/** Asks for work that is due later than a right clock can have made it. */
export interface PullBack {
  readonly now: Date;
  /** Work that somebody holds is due at most this long from now. */
  readonly leaseMs: number;
  /** Where the step before ended: its `next`. */
  readonly after?: string;
  /** Deliveries that one step may look at. */
  readonly limit: number;
}

/** How much was due too far ahead, and is due sooner now. */
export interface PulledBack {
  readonly messages: number;
  readonly deliveries: number;
  readonly tasks: number;
  /** There is more to look at: give it as `after`. Absent at the end. */
  readonly next?: string;
}

/** A delivery that is due later than now. Times are milliseconds since 1970. */
export interface DueAhead {
  readonly dueAtMs: number;
  readonly isHeld: boolean;
  /** When the attempt ended after which it waits; undefined for one that was not attempted since it became due at once. */
  readonly failedAtMs?: number;
}

/**
 * When such a delivery is due if its time came from a clock that was wrong; undefined if its time may be right. A lease
 * ends within `leaseMs`. A retry that was asked for at a time that has not come keeps its delay, from now on, unless it
 * would be later than it is: so a second look changes nothing.
 */
export function soonerDueAtMs(
  { dueAtMs, isHeld, failedAtMs }: DueAhead,
  nowMs: number,
  leaseMs: number,
): number | undefined {
  if (isHeld) return dueAtMs > nowMs + leaseMs + LIMITS.clockSkewMs ? nowMs + leaseMs : undefined;
  if (failedAtMs === undefined) return dueAtMs > nowMs ? nowMs : undefined;
  const delayMs = dueAtMs - failedAtMs;
  const isFromAhead = failedAtMs > nowMs + LIMITS.clockStepMs && delayMs >= 0;
  return isFromAhead && nowMs + delayMs < failedAtMs ? nowMs + delayMs : undefined;
}
