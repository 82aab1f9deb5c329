import { isPermanentError, isRetryLater, type RetryLater } from '../errors.js';
import { LIMITS } from '../limits.js';

/** When a failed delivery is attempted again. */
export interface RetryOptions {
  /** Attempts in all, the first included; then the delivery becomes a dead letter. @default 15 */
  readonly attemptsMax?: number;
  /** Upper bound of the first delay, in milliseconds; doubled for each further attempt. @default 5000 */
  readonly delayMs?: number;
  /** Upper bound of every delay, in milliseconds. @default 21600000 (6 hours) */
  readonly delayMsMax?: number;
}

export type RetryPolicy = Required<RetryOptions>;

export const DEFAULT_RETRY: RetryPolicy = Object.freeze({
  attemptsMax: LIMITS.attemptsMax,
  delayMs: LIMITS.retryDelayMs,
  delayMsMax: LIMITS.retryDelayMsMax,
});

/**
 * What to do after attempt number `attempt` threw: milliseconds to wait, or `'dead'`. The delay is exponential with
 * full jitter: drawn evenly between zero and the bound, so that deliveries that failed together do not return together.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function afterFailure(
  policy: RetryPolicy,
  attempt: number,
  thrown: unknown,
  random: () => number = Math.random,
): number | 'dead' {
  if (isPermanentError(thrown) || attempt >= policy.attemptsMax) return 'dead';
  const askedMs = isRetryLater(thrown) ? askedDelayMs(thrown) : undefined;
  if (askedMs !== undefined) return Math.min(Math.max(0, Math.floor(askedMs)), LIMITS.dueAheadMsMax);
  const bound = Math.min(policy.delayMsMax, policy.delayMs * 2 ** Math.min(attempt - 1, DOUBLINGS_MAX));
  return Math.floor(random() * bound);
}

/** More would overflow, and a delay of zero times infinity is no time at all. */
const DOUBLINGS_MAX = 52;

/** Handlers may pass on what they found in a `Retry-After`: a text, or NaN. A proxy may refuse to tell. */
function askedDelayMs(thrown: RetryLater): number | undefined {
  try {
    const { delayMs } = thrown as { delayMs: unknown };
    return typeof delayMs === 'number' && !Number.isNaN(delayMs) ? delayMs : undefined;
  } catch {
    return undefined;
  }
}
