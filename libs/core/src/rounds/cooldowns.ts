import { LIMITS } from '../limits.js';
import type { ApiHost } from '../sources/provider-api.js';
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
 * store at most once a second for an account. With a store without rounds, they hold in this process only.
 */
export class Cooldowns implements ApiHost {
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
      known = { askedAtMs: timers.monotonicMs(), until: await this.#store.cooldownUntil(host, accountId) };
      this.#known.set(name, known);
    }
    const until = known?.until;
    return until && until > this.now() ? until : undefined;
  }

  async coolDown(host: string, accountId: string, until: Date): Promise<void> {
    const name = nameOf(host, accountId);
    const laterByMs = (this.#known.get(name)?.until ?? until).getTime() - until.getTime();
    // A clock that was ahead may have stored a time that is later than any cooldown lasts.
    const isKept = laterByMs > 0 && laterByMs <= LIMITS.apiCooldownMsMax;
    // Also if the store fails, this process must not ask again.
    if (!isKept) this.#known.set(name, { askedAtMs: timers.monotonicMs(), until });
    await this.#store?.coolDown(host, accountId, until);
  }
}

function nameOf(host: string, accountId: string): string {
  return JSON.stringify([host, accountId]);
}
