import { ResultsNotReadyError } from 'nestjs-runhooks/core';
import { PARADIME_LIMITS } from '../limits.js';

/**
 * Returns the error that makes the core look again at a run: 10 s after its end, then after 30 s, 1 min, and every 2 min. Returns
 * `undefined` if the run ended 10 minutes ago or earlier, because nothing more is expected then, or if its end is unknown.
 *
 * @param lacking the missing part in words, for the error: `run_results.json of command 5`
 */
export function notReady(lacking: string, endedAt: Date | undefined, now: Date): ResultsNotReadyError | undefined {
  if (endedAt === undefined) return undefined;
  // A clock behind that of Paradime shows an end in the future.
  const ageMs = Math.max(0, now.getTime() - endedAt.getTime());
  const leftMs = PARADIME_LIMITS.resultsWaitMs - ageMs;
  if (leftMs <= 0) return undefined;
  return new ResultsNotReadyError(
    Math.min(delayMsAfter(ageMs), leftMs),
    `Paradime: expected ${lacking}, got nothing yet`,
  );
}

function delayMsAfter(ageMs: number): number {
  let lookMs = 0;
  let delayMs = 0;
  for (delayMs of PARADIME_LIMITS.resultsDelaysMs) {
    lookMs += delayMs;
    if (ageMs < lookMs) break;
  }
  return delayMs;
}
