import { ARTIFACT_LIMITS } from './limits.js';

const { lookDelaysMs, looksEndMs } = ARTIFACT_LIMITS;

/**
 * Returns the milliseconds until the next look at a run whose files are missing: 10 s, 30 s, 1 min, and then every 2 min.
 * Returns `undefined` if the run ended 10 minutes ago or earlier. Its files are then not expected any more.
 */
export function msUntilNextLook(endedAt: Date, now: Date): number | undefined {
  // A clock behind that of the provider shows an end in the future.
  const ageMs = Math.max(0, now.getTime() - endedAt.getTime());
  if (ageMs >= looksEndMs) return undefined;
  let lookMs = 0;
  const delayMs = lookDelaysMs.find((ms) => ageMs < (lookMs += ms)) ?? lookDelaysMs.at(-1) ?? looksEndMs;
  return Math.min(delayMs, looksEndMs - ageMs);
}
