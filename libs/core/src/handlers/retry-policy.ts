import { isPermanentError, isRetryLater, type RetryLater } from '../errors.js';
import { LIMITS } from '../limits.js';

/** Options for retries. */
export interface RetryOptions {
  /** Attempts including the first one. Then the delivery becomes a dead letter. @default 15 */
  readonly attemptsMax?: number;
  /** Upper bound of the first delay, in milliseconds. It doubles with each attempt. @default 5000 */
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
 * Returns the milliseconds to wait after attempt number `attempt` threw, or `'dead'`. The delay is random between zero and
 * a bound that grows exponentially (full jitter), so that deliveries that failed together are not retried together.
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

/** More doublings would overflow, and zero times infinity is NaN. */
const DOUBLINGS_MAX = 52;

/** Handlers can pass on a `Retry-After` as a string or NaN, and a proxy can throw. */
function askedDelayMs(thrown: RetryLater): number | undefined {
  try {
    const { delayMs } = thrown as { delayMs: unknown };
    return typeof delayMs === 'number' && !Number.isNaN(delayMs) ? delayMs : undefined;
  } catch {
    return undefined;
  }
}
