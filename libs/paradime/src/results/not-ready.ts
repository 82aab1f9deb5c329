import { ResultsNotReadyError } from 'nestjs-runhooks/core';
import { msUntilNextLook } from 'nestjs-runhooks/dbt-artifacts';

/**
 * Returns the error that makes the core look again at a run, or `undefined` if nothing more is expected, or if the end of the run
 * is unknown.
 *
 * @param lacking the missing part in words, for the error: `run_results.json of command 5`
 */
export function notReady(lacking: string, endedAt: Date | undefined, now: Date): ResultsNotReadyError | undefined {
  const delayMs = endedAt && msUntilNextLook(endedAt, now);
  if (delayMs === undefined) return undefined;
  return new ResultsNotReadyError(delayMs, `Paradime: expected ${lacking}, got nothing yet`);
}
