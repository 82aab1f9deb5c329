import { timers } from 'nestjs-runhooks/core';
/** What a promise resolves with; undefined if that takes longer than `ms`. Rejects as it does before that. */
export async function within<T>(
  ms: number,
  promise: Promise<T> | undefined,
): Promise<{ readonly value: T } | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<undefined>((resolve) => {
    timer = timers.setTimeout(() => resolve(undefined), ms);
  });
  // One that comes too late to be told of must not end the process.
  const answer = promise?.then((value) => ({ value }));
  answer?.catch(() => undefined);
  try {
    return await Promise.race([answer, timeUp]);
  } finally {
    timers.clearTimeout(timer);
  }
}
