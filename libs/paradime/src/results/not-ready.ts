import { ResultsNotReadyError } from 'nestjs-runhooks/core';
import { PARADIME_LIMITS } from '../limits.js';

/**
 * Returns the error that makes the core look again at a run, or `undefined` if the run ended too long ago to wait for
 * `lacking`. The later it is, the longer is the delay.
 *
 * @param lacking the missing part in words, for the error: `target/run_results.json of command 5`
 */
export function notReady(lacking: string, endedAt: Date | undefined, now: Date): ResultsNotReadyError | undefined {
  if (endedAt === undefined) return undefined;
  const sinceMs = Math.max(0, now.getTime() - endedAt.getTime());
  if (sinceMs >= PARADIME_LIMITS.resultsWaitMs) return undefined;
  return new ResultsNotReadyError(delayMsAfter(sinceMs), `Paradime: expected ${lacking}, got nothing yet`);
}

/** Returns the delay before the next look, if looks began at the end of the run. */
function delayMsAfter(sinceMs: number): number {
  let lookAtMs = 0;
  let delayMs = 0;
  for (delayMs of PARADIME_LIMITS.resultsDelaysMs) {
    lookAtMs += delayMs;
    if (sinceMs < lookAtMs) break;
  }
  return delayMs;
}
