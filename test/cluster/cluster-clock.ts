import { LIMITS, type Clock } from 'nestjs-runhooks/core';
import { fastClock } from '../crash/fast-clock.js';

/**
 * How much faster the clock of the apps and of the sender runs: a lease of 30 s ends after 15 s. Not faster, because what
 * is measured by timers, whatever the clock says, must still be shorter than what depends on it: leases are renewed every
 * 10 s, a connection to Postgres is given up after 10 s, and a process says that it lives every 20 s.
 */
const RATE = 2;

export function clusterClock(startedAtMs: number): Clock {
  return fastClock(startedAtMs, RATE);
}

/** A process that is held up for so long has lost every lease that it had. */
export const PAUSE_MS = (LIMITS.leaseMs / RATE) * 1.1;
