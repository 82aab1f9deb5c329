import { LIMITS, type Clock } from 'nestjs-runhooks/internal';
import { fastClock } from '../crash/fast-clock.js';

/**
 * Rate of the clock of the apps and of the sender: a lease of 30 s ends after 15 s. A higher rate would break the
 * timers, which run in real time and must be shorter than the periods they serve: leases are renewed every 10 s, a
 * connection to Postgres is given up after 10 s, and a process sends a heartbeat every 20 s.
 */
const RATE = 2;

export function clusterClock(startedAtMs: number): Clock {
  return fastClock(startedAtMs, RATE);
}

/** A process paused for this long has lost all its leases. */
export const PAUSE_MS = (LIMITS.leaseMs / RATE) * 1.1;
