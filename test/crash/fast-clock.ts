import type { Clock } from 'nestjs-runhooks/core';

/**
 * How much faster the clock of the apps runs, and of the sender, whose signatures name the time: a lease of 30 s then
 * ends after 6 s, so that what a killed process held is taken up while the next ones are killed. Not faster, because a
 * process must be able to keep a lease while another one has the write lock (`SQL_LIMITS.sqliteBusyMs`).
 */
const RATE = 5;

/** A clock that all processes of a scenario share; it was right at `startedAtMs`. */
export function fastClock(startedAtMs: number, rate = RATE): Clock {
  return { now: () => new Date(startedAtMs + (Date.now() - startedAtMs) * rate) };
}
