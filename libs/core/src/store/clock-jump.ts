import { LIMITS } from '../limits.js';

/** Returns whether the time that passed between two calls is a clock jump: more than 10 minutes, forward or back. */
export function isClockJump(passedMs: number): boolean {
  return Math.abs(passedMs) > LIMITS.clockJumpMs;
}

/** Returns whether purging still brakes after a clock jump: for 24 hours. Both times are milliseconds since 1970. */
export function isBraking(jumpedAtMs: number, nowMs: number): boolean {
  return nowMs - jumpedAtMs < LIMITS.purgeBrakeMs;
}
