import { setTimeout as pause } from 'node:timers/promises';

/**
 * Resolves with the result of the condition as soon as it is truthy. A rejection counts as false. The time limit only
 * guards against a hang.
 */
export async function eventually<T>(condition: () => T | Promise<T>, withinMs = 60_000): Promise<NonNullable<T>> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const found = await Promise.resolve(condition()).catch(() => undefined);
    if (found) return found;
    if (performance.now() > giveUpAt) throw new Error(`waited ${withinMs} ms in vain for ${condition.toString()}`);
    await pause(5);
  }
}
