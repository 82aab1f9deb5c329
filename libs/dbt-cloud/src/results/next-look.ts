import { DBT_CLOUD_LIMITS } from '../limits.js';

const { completeMs, resultsDelaysMs } = DBT_CLOUD_LIMITS;

/**
 * Returns the milliseconds until the next look at a run whose artifacts are missing: 10 s, 30 s, 1 min, and then every 2 min.
 * Returns `undefined` if the run ended 10 minutes ago or earlier. Its artifacts are then not expected any more.
 */
export function msUntilNextLook(endedAt: Date, now: Date): number | undefined {
  // A clock behind that of dbt Cloud shows an end in the future.
  const ageMs = Math.max(0, now.getTime() - endedAt.getTime());
  if (ageMs >= completeMs) return undefined;
  let lookMs = 0;
  const delayMs = resultsDelaysMs.find((ms) => ageMs < (lookMs += ms)) ?? resultsDelaysMs.at(-1) ?? completeMs;
  return Math.min(delayMs, completeMs - ageMs);
}
