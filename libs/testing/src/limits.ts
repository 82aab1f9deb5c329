const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * Times that the port `Store` states in its comments, with their units in their names. The contract states them again, so
 * that it fails if the core's rules change.
 */
export const PORT_LIMITS = Object.freeze({
  /** Change of the time that is not yet a clock jump. */
  clockJumpMs: 10 * MINUTE,
  /** Time that purging brakes after a clock jump. */
  purgeBrakeMs: DAY,
  /** Time for which the rows that a braking purge removes are counted together. */
  purgeBrakeHourMs: HOUR,
  /** Coarsest precision that the stored time of a handler's registration can have. */
  handlerSeenMs: HOUR,
  /** Longest time ahead for which anything can be scheduled. */
  dueAheadMsMax: 366 * DAY,
});
