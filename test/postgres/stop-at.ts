import { held } from '../dispatch/dispatch-harness.js';
import { eventually } from './eventually.js';
import type { KillablePool } from './killable-pool.js';

/** Pauses the next query of a pool that matches. `reached` resolves when it waits. */
export function stopAt(pool: KillablePool, part: RegExp): { reached: () => Promise<unknown>; release: () => void } {
  const { promise, release } = held();
  let isReached = false;
  pool.onQuery = (text) => {
    if (isReached || !part.test(text)) return undefined;
    isReached = true;
    return promise;
  };
  return { reached: () => eventually(() => isReached), release };
}
