import { types } from 'node:util';
import { isRunhooksError } from '../errors.js';
import { TooManyBytes } from './answer-body.js';
import { isProviderApiError, type ProviderApiErrorReason } from './provider-api-error.js';

/** Facts about a call that failed. */
export interface FailedCall {
  /** Whether its time is over. */
  readonly isOver: boolean;
  /** Whether the head of an answer was received. */
  readonly began: boolean;
  readonly timeoutMs: number;
  readonly bytesMax: number;
}

/**
 * Returns the reason of a failure of the transport, and the actual result in words. Returns `undefined` for errors that are
 * thrown as they are: those of Runhooks, such as an unavailable store.
 */
export function transportFailureOf(
  error: unknown,
  { isOver, began, timeoutMs, bytesMax }: FailedCall,
): { readonly reason: ProviderApiErrorReason; readonly found: string } | undefined {
  if (error instanceof TooManyBytes) {
    return { reason: 'too-large', found: `expected at most ${bytesMax} bytes, got more` };
  }
  if (isOver) return { reason: 'timeout', found: `expected an answer within ${timeoutMs} ms, got none` };
  if (!isOfFetch(error)) return undefined;
  const code = codeOf(error);
  const suffix = code === undefined ? '' : ` (${code})`;
  return began
    ? { reason: 'invalid-answer', found: `expected a complete answer, got a part of it${suffix}` }
    : { reason: 'unavailable', found: `expected an answer, got no connection${suffix}` };
}

const TRANSIENT: readonly (number | undefined)[] = [408, 500, 502, 503, 504];

/** Returns whether the same call can succeed a moment later. */
export function isTransient(error: unknown): boolean {
  if (!isProviderApiError(error)) return false;
  const { reason, status } = error;
  if (status !== undefined) return TRANSIENT.includes(status);
  return reason === 'unavailable' || reason === 'timeout' || reason === 'invalid-answer';
}

/** `fetch` rejects with a TypeError, and a body with the error of its socket or its decompression. */
function isOfFetch(error: unknown): boolean {
  // Errors of Node are of another realm where a test runner has made one of its own.
  if (isRunhooksError(error) || !(error instanceof Error || types.isNativeError(error))) return false;
  return error.name === 'TypeError' || error.name === 'AbortError' || codeOf(error) !== undefined;
}

/** Returns the code of an error or of its cause, such as `ECONNREFUSED`. Messages are left out, because they name hosts. */
function codeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; depth < 3 && typeof at === 'object' && at !== null; depth++) {
    const { code, cause } = at as { readonly code?: unknown; readonly cause?: unknown };
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,40}$/.test(code)) return code;
    at = cause;
  }
  return undefined;
}
