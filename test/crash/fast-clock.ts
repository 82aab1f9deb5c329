import type { Clock } from 'nestjs-runhooks/internal';

/**
 * Rate of the clock of the apps and of the sender, whose signatures contain the time. A lease of 30 s ends after 6 s,
 * so that the work of a killed process is taken over while the next ones are killed. A higher rate would break leases,
 * because a process must be able to keep one while another process has the write lock (`SQL_LIMITS.sqliteBusyMs`).
 */
const RATE = 5;

/** Returns a clock that all processes of a scenario share; it was correct at `startedAtMs`. */
export function fastClock(startedAtMs: number, rate = RATE): Clock {
  return { now: () => new Date(startedAtMs + (Date.now() - startedAtMs) * rate) };
}
