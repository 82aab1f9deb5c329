import type { NodeResult } from '../nodes/node-result.js';
import type { RunResults } from '../nodes/run-results.js';
import type { SavedResults } from './result-store.js';

/**
 * Returns saved results as an event or the inbox shows them.
 *
 * @param failing the first nodes that failed or warned, in the order in which they were saved; the others are omitted
 */
export function shownResults(
  { counts, reason, failing: all }: SavedResults,
  failing: readonly NodeResult[],
): RunResults {
  if (!counts) return { state: 'missing', reason: reason ?? 'unavailable' };
  return {
    state: 'available',
    ...counts,
    failed: failing.filter(({ outcome }) => outcome === 'failed'),
    warned: failing.filter(({ outcome }) => outcome === 'warned'),
    omitted: all - failing.length,
  };
}
