import type { StuckAfter } from '../handlers/subscription.js';
import { LIMITS } from '../limits.js';

/**
 * Returns the time after which a run is stuck, in milliseconds, or `undefined` if too few durations are known. The
 * percentile is the smallest duration that at least 95 % of the runs did not exceed. Durations of 0 or less do not count.
 */
export function allowedMs(stuck: StuckAfter, durationsMs: readonly number[]): number | undefined {
  if ('afterMs' in stuck) return stuck.afterMs;
  const { p95Times, runsMin = LIMITS.stuckRunsMin } = stuck;
  const sorted = durationsMs.filter((ms) => ms > 0).sort((a, b) => a - b);
  if (sorted.length < runsMin) return undefined;
  const p95 = sorted[Math.ceil(sorted.length * 0.95) - 1];
  return p95 === undefined ? undefined : Math.ceil(p95 * p95Times);
}
