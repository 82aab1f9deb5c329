import { LIMITS } from '../limits.js';
import type { RoundStore } from '../store/round-store.js';
import type { Clock } from '../time/clock.js';
import { timers } from '../time/timers.js';

/** Cooldown of an account, and when this process last asked the store for it. */
interface Known {
  readonly until: Date | undefined;
  /** Monotonic time. */
  readonly askedAtMs: number;
}

/**
 * Cooldowns of accounts whose API has limited the rate of requests. All processes on the inbox share them. Each asks the
 * store at most once a second for an account. With a store without rounds, or one that fails, they hold in the process that
 * found them.
 */
export class Cooldowns {
  readonly #store: RoundStore | undefined;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(store: RoundStore | undefined, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  now(): Date {
    return this.#clock.now();
  }

  /** Returns the end of a cooldown that is not over. Rejects if the store is unavailable. */
  async cooldownUntil(host: string, accountId: string): Promise<Date | undefined> {
    const name = nameOf(host, accountId);
    let known = this.#known.get(name);
    const isFresh = known && timers.monotonicMs() - known.askedAtMs < LIMITS.cooldownCacheMs;
    if (this.#store && !isFresh) {
      const stored = await this.#store.cooldownUntil(host, accountId);
      const own = this.#known.get(name)?.until;
      known = { askedAtMs: timers.monotonicMs(), until: stored ? laterOf(own, stored) : own };
      this.#known.set(name, known);
    }
    const until = known?.until;
    return until && until > this.now() ? until : undefined;
  }

  async coolDown(host: string, accountId: string, until: Date): Promise<void> {
    const name = nameOf(host, accountId);
    // Also if the store fails, this process must not ask again.
    this.#known.set(name, { askedAtMs: timers.monotonicMs(), until: laterOf(this.#known.get(name)?.until, until) });
    await this.#store?.coolDown(host, accountId, until);
  }
}

/** Returns the later time, unless it is later by more than any cooldown lasts: a clock that was ahead has stored it. */
function laterOf(known: Date | undefined, until: Date): Date {
  const laterByMs = known ? known.getTime() - until.getTime() : 0;
  return known && laterByMs > 0 && laterByMs <= LIMITS.apiCooldownMsMax ? known : until;
}

function nameOf(host: string, accountId: string): string {
  return JSON.stringify([host, accountId]);
}
