import { carries, OwnError, retryLater } from '../errors.js';
import { oneLine } from '../one-line.js';

const providerApi = Symbol.for('nestjs-runhooks:provider-api-error');

/**
 * Kind of a failed call to a provider's API.
 *
 * - `unauthorized`: the API does not accept the token (401).
 * - `forbidden`: the token lacks a right (403, or 404 for a list, which always exists).
 * - `not-found`: the object does not exist, or not yet (404). Some providers answer the same if the token may not read it.
 * - `rate-limited`: too many calls were made, and nothing may be called until a time (429).
 * - `refused`: any other answer that the same call would get again, such as 400 or a redirect.
 * - `unavailable`: no connection, or 408 or 5xx.
 * - `timeout`: no complete answer in time.
 * - `invalid-answer`: the answer was cut, or is not what the API documents, such as HTML.
 * - `too-large`: the answer has more bytes than are accepted.
 * - `invalid-request`: an argument cannot be part of a call. Nothing was sent.
 * - `no-token`: the source has no token for this call. Nothing was sent.
 */
export type ProviderApiErrorReason =
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'rate-limited'
  | 'refused'
  | 'unavailable'
  | 'timeout'
  | 'invalid-answer'
  | 'too-large'
  | 'invalid-request'
  | 'no-token';

/** Reasons after which it is unknown whether the provider carried out a call that changes something. */
export const UNCERTAIN_REASONS: readonly ProviderApiErrorReason[] = [
  'unavailable',
  'timeout',
  'invalid-answer',
  'too-large',
];

/** Facts about a failed call. */
export interface ProviderApiFailure {
  readonly reason: ProviderApiErrorReason;
  /** The provider and the call, for example `dbt Cloud: get run 123 of account 4`. */
  readonly asked: string;
  /** Actual and expected result, without a period. */
  readonly found: string;
  /** Remedy, without a period. */
  readonly todo: string;
  readonly status?: number | undefined;
}

/**
 * Error of a call to a provider's API. Switch on `reason`. The message has the call, the actual result and the remedy. It
 * contains no URL, no token, and of the answer only the provider's own message to users.
 *
 * @example
 * if (isProviderApiError(error) && error.reason === 'not-found') return;
 */
export class ProviderApiError extends OwnError {
  protected static override readonly className: string = 'ProviderApiError';
  readonly code = 'RUNHOOKS_PROVIDER_API';
  readonly [providerApi] = true;
  readonly reason: ProviderApiErrorReason;
  /** HTTP status; absent if no answer came. */
  declare readonly status?: number;

  constructor({ reason, asked, found, todo, status }: ProviderApiFailure) {
    // Names of objects and messages of the provider come from outside.
    super(oneLine(`${asked}: ${found}. ${todo}`));
    this.reason = reason;
    if (status !== undefined) this.status = status;
  }
}

/**
 * Error of a call to an account that must not be called now (`rate-limited`). If a handler lets it through, its delivery is
 * retried at that time, as after `RetryLater`. `isRetryLater` recognizes it.
 */
export class ProviderCooldownError extends ProviderApiError {
  protected static override readonly className: string = 'ProviderCooldownError';
  readonly [retryLater] = true;
  /** Milliseconds until the next call may be made. */
  readonly delayMs: number;

  constructor(
    failure: Omit<ProviderApiFailure, 'reason' | 'todo'>,
    readonly until: Date,
    now: Date,
  ) {
    super({ ...failure, reason: 'rate-limited', todo: `No process calls this account before ${until.toISOString()}` });
    this.delayMs = Math.max(0, until.getTime() - now.getTime());
  }
}

/** Returns whether a thrown value is a {@link ProviderApiError}, including one of another copy of this package. */
export function isProviderApiError(thrown: unknown): thrown is ProviderApiError {
  return carries(providerApi, thrown);
}
