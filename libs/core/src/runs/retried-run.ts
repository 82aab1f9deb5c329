import type { RunState } from './run-state.js';
import type { Run } from './run.js';

/**
 * Returns a run with the run that it is a retry of, and with the root run, if the inbox knows them and the message about the run does
 * not report them. Returns the same object if nothing is added.
 */
export function withRetryOf(run: Run, known: Pick<RunState, 'retryOf' | 'rootRun'>): Run {
  const retryOf = run.retryOf ?? known.retryOf;
  const rootRun = run.rootRun ?? known.rootRun;
  if (retryOf === run.retryOf && rootRun === run.rootRun) return run;
  return { ...run, ...(retryOf !== undefined && { retryOf }), ...(rootRun !== undefined && { rootRun }) };
}
