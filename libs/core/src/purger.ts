import type { Clock } from './clock.js';
import { LIMITS } from './limits.js';
import type { Store } from './store.js';
import type { StoreGuard } from './store-guard.js';

/** How long the inbox keeps things, in milliseconds since they were received. */
export interface RetentionOptions {
  /** Settled messages with their events, deliveries and attempts. @default 2592000000 (30 days) */
  readonly settledMs?: number;
  /** The same for messages that led to a dead letter. @default 7776000000 (90 days) */
  readonly deadMs?: number;
  /** The keys by which a duplicate is known, operators' decisions, and the states of runs and barriers. @default 34560000000 (400 days) */
  readonly keysMs?: number;
}

export const DEFAULT_RETENTION: Required<RetentionOptions> = Object.freeze({
  settledMs: LIMITS.settledMs,
  deadMs: LIMITS.deadMs,
  keysMs: LIMITS.keysMs,
});

export interface PurgerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly guard: StoreGuard;
  readonly retention: Required<RetentionOptions>;
}

/** Removes what is old, in small steps, so that accepting never waits for it. */
export class Purger {
  readonly #options: PurgerOptions;
  #timer: NodeJS.Timeout | undefined;
  #step: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(options: PurgerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.#step = this.#options.guard.write(() => this.purge(), 0);
    }, LIMITS.purgeEveryMs).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#step;
  }

  /** Removes all that is old enough. Answers how many rows went. */
  async purge(): Promise<number> {
    const { store, clock, retention } = this.#options;
    const now = clock.now().getTime();
    const purge = {
      settledBefore: new Date(now - retention.settledMs),
      deadBefore: new Date(now - retention.deadMs),
      keysBefore: new Date(now - retention.keysMs),
      tasksBefore: new Date(now - Math.max(retention.settledMs, LIMITS.taskOverdueMs)),
      limit: LIMITS.purgeRowsMax,
    };
    let removed = 0;
    while (!this.#stopped) {
      const step = await store.purge(purge);
      if (step === 0) break;
      removed += step;
    }
    return removed;
  }
}
