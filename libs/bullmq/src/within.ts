import { timers } from 'nestjs-runhooks/core';

/** Returns the value of a promise, or `undefined` if it takes longer than `ms`. */
export async function within<T>(
  ms: number,
  promise: Promise<T> | undefined,
): Promise<{ readonly value: T } | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<undefined>((resolve) => {
    timer = timers.setTimeout(() => resolve(undefined), ms);
  });
  // A rejection that comes too late must not end the process.
  const settled = promise?.then((value) => ({ value }));
  settled?.catch(() => undefined);
  try {
    return await Promise.race([settled, timeUp]);
  } finally {
    timers.clearTimeout(timer);
  }
}
