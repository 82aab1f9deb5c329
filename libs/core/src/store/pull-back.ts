import { LIMITS } from '../limits.js';

/** Options for one step that finds work whose due time a correct clock cannot have produced. */
export interface PullBack {
  readonly now: Date;
  /** Duration of a lease, in milliseconds. Claimed work is due at most this long from now. */
  readonly leaseMs: number;
  /** `next` of the previous step. @default the first step */
  readonly after?: string;
  /** Largest number of deliveries that one step reads. */
  readonly limit: number;
}

/** Numbers of items that are due sooner now. */
export interface PulledBack {
  readonly messages: number;
  readonly deliveries: number;
  readonly tasks: number;
  /** Pass it as `after` to the next step. Absent after the last step. */
  readonly next?: string;
}

/** Delivery that is due later than now. Times are milliseconds since 1970. */
export interface DueAhead {
  readonly dueAtMs: number;
  /** Whether a worker has claimed it. */
  readonly isHeld: boolean;
  /** Whether it waits after an attempt that was not counted. @default false */
  readonly isWaiting?: boolean;
  /** End of the attempt after which it waits. Absent if it was not attempted since it was created, replayed or redriven. */
  readonly failedAtMs?: number;
}

/** Returns the latest time that a correct clock can show now, in milliseconds since 1970: clocks differ by up to a minute. */
export function latestClockMs(nowMs: number): number {
  return nowMs + LIMITS.clockSkewMs;
}

/** Returns the latest due time that a correct clock can have produced for unclaimed work: 366 days ahead. */
export function latestDueAtMs(nowMs: number): number {
  return latestClockMs(nowMs) + LIMITS.dueAheadMsMax;
}

/**
 * Returns the corrected due time of a delivery, in milliseconds since 1970, or `undefined` if a correct clock can have
 * produced its time. A lease ends within `leaseMs` from now. A retry whose attempt ended in the future keeps its delay,
 * counted from now, unless that is later than its time. A delivery that waits is due within an hour, the longest cooldown of
 * an API. A second call therefore changes nothing.
 *
 * @example
 * soonerDueAtMs({ dueAtMs: nowMs + 60_000, isHeld: false }, nowMs, 30_000); // nowMs: it should have been due at once
 */
export function soonerDueAtMs(
  { dueAtMs, isHeld, isWaiting = false, failedAtMs }: DueAhead,
  nowMs: number,
  leaseMs: number,
): number | undefined {
  if (isHeld) return dueAtMs > latestClockMs(nowMs) + leaseMs ? nowMs + leaseMs : undefined;
  if (isWaiting) return dueAtMs > latestClockMs(nowMs) + LIMITS.apiCooldownMsMax ? nowMs : undefined;
  if (failedAtMs === undefined) return dueAtMs > nowMs ? nowMs : undefined;
  const delayMs = dueAtMs - failedAtMs;
  const isFromAhead = failedAtMs > nowMs + LIMITS.clockStepMs && delayMs >= 0;
  return isFromAhead && nowMs + delayMs < failedAtMs ? nowMs + delayMs : undefined;
}
