import { isProviderApiError, type ProviderApiErrorReason } from '../api/provider-api-error.js';
import { WaitingError } from '../deliveries/waiting.js';
import { isRetryLater, isRunhooksError, PermanentError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Run } from '../runs/run.js';
import type { ResultsNotReadyError, ResultsContext, ResultsReader, ResultsReading } from '../sources/results-reader.js';

/** Failures after which another call can succeed without a change of the configuration. */
const PASSING: readonly ProviderApiErrorReason[] = ['unavailable', 'timeout', 'invalid-answer', 'rate-limited'];
/** Failures that only an operator can end. */
const LASTING: readonly ProviderApiErrorReason[] = [
  'unauthorized',
  'forbidden',
  'no-token',
  'refused',
  'invalid-request',
];

/** Notes whether results of a source can be read. */
export interface ReadingLog {
  /** Notes that an API has failed in a way that can pass. */
  failed(error: unknown): void;
  /** Notes that an API does not find a run. */
  missed(error: unknown): void;
  /** Notes that an API works, but does not have the results of a run yet. */
  waited(): void;
  /** Notes that an API has returned the results of a run. */
  worked(): void;
}

/** Options for reading the results of a run. */
export interface ReadOptions extends ResultsContext {
  readonly log: ReadingLog;
  /**
   * Since when the results are waited for. A delivery can be read long after it was created, for example after a redrive or an
   * outage of all workers. Absent at its first read.
   */
  readonly waitingSince: Date | undefined;
}

/**
 * Reads the results of a run.
 *
 * @throws {WaitingError} if they are not there yet, or the API is unavailable. After seven days they are missing.
 * @throws {PermanentError} if only a change of the configuration can help.
 */
export async function readResults(reader: ResultsReader, run: Run, options: ReadOptions): Promise<ResultsReading> {
  const { signal, log, waitingSince } = options;
  const now = (): Date => options.now();
  try {
    const reading = await reader.read(run, { signal, now });
    log.worked();
    return reading;
  } catch (error) {
    signal.throwIfAborted();
    const isNotReady = isResultsNotReadyError(error);
    const reason = isProviderApiError(error) ? error.reason : undefined;
    if (reason && LASTING.includes(reason)) {
      throw new PermanentError(`the results of run ${run.id} cannot be read: ${messageOf(error)}`, { cause: error });
    }
    if (reason === 'not-found') {
      log.missed(error);
      return { state: 'missing', reason: 'not-written', isIsolated: isIsolated(run) };
    }
    if (!isNotReady && !(reason && PASSING.includes(reason))) throw error;
    if (isNotReady) log.waited();
    else log.failed(error);
    const waitedMs = waitingSince ? Math.max(0, now().getTime() - waitingSince.getTime()) : 0;
    if (waitedMs >= LIMITS.apiWaitMs) return { state: 'missing', reason: 'unavailable', isIsolated: isIsolated(run) };
    throw new WaitingError(messageOf(error), delayAfter(error, waitedMs));
  }
}

/** Returns whether a run opens no incidents, as far as its messages tell. The API may know more. */
export function isIsolated({ trigger, commit }: Run): boolean {
  return trigger.kind === 'ci' || commit?.pullRequest !== undefined;
}

/** Returns the delay that an error asks for; otherwise, as long as the wait has been. */
function delayAfter(error: unknown, waitedMs: number): number {
  const wantedMs = isResultsNotReadyError(error) || isRetryLater(error) ? error.delayMs : undefined;
  if (wantedMs !== undefined && Number.isFinite(wantedMs)) {
    return Math.min(Math.max(LIMITS.pollMs, wantedMs), LIMITS.apiWaitMs);
  }
  return Math.min(Math.max(LIMITS.resultsDelayMs, waitedMs), LIMITS.resultsDelayMsMax);
}

function messageOf(error: unknown): string {
  return (error as Error).message;
}

/** `instanceof` does not recognize errors of another copy of this package. */
function isResultsNotReadyError(error: unknown): error is ResultsNotReadyError {
  return isRunhooksError(error) && error.code === 'RUNHOOKS_RESULTS_NOT_READY';
}
