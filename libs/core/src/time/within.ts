import { timers } from './timers.js';

/**
 * Resolves as `promise` does, or with the result of `onTimeout` if that takes longer than `ms`. Rejects if `promise`
 * rejects in time, or if `onTimeout` throws. A later rejection of `promise` is ignored.
 *
 * @example
 * await within(client.query(text), 10_000, () => {
 *   throw new Error('no response within 10 s');
 * });
 */
export async function within<T, Late = undefined>(
  promise: Promise<T>,
  ms: number,
  onTimeout: () => Late = () => undefined as Late,
): Promise<T | Late> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = timers.setTimeout(resolve, ms);
  });
  try {
    return await Promise.race([promise, timeout.then(onTimeout)]);
  } finally {
    timers.clearTimeout(timer);
  }
}
