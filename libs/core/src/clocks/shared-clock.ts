import { systemClock, type Clock } from '../clock.js';
import { LIMITS } from '../limits.js';
import type { Store } from '../store/store.js';

/**
 * The time of all processes that share an inbox. Where the store has a clock ({@link Store.now}), it is that one, kept
 * up between two questions by a clock that nobody sets; else it is the host's. So a host whose clock is wrong neither
 * leaves work due in another year nor takes what others hold.
 */
export class SharedClock implements Required<Clock> {
  readonly own: Required<Clock>;
  readonly #store: Pick<Store, 'now'>;
  /** The store's time when `elapsedMs` was 0; undefined until the store was asked. */
  #startedAtMs: number | undefined;

  constructor(store: Pick<Store, 'now'>, own: Required<Clock> = systemClock) {
    this.#store = store;
    this.own = own;
  }

  now(): Date {
    return this.#startedAtMs === undefined
      ? this.own.now()
      : new Date(Math.floor(this.#startedAtMs + this.own.elapsedMs()));
  }

  elapsedMs(): number {
    return this.own.elapsedMs();
  }

  /** How far the host's clock is ahead of this one, in milliseconds; negative: behind. */
  get ownAheadMs(): number {
    return this.#startedAtMs === undefined ? 0 : this.own.now().getTime() - this.now().getTime();
  }

  /** Asks the store for its time. Rejects if the store fails: then this clock goes on as it was. */
  async adjust(): Promise<void> {
    if (!this.#store.now) return;
    const askedAtMs = this.elapsedMs();
    const told = await this.#store.now();
    const tookMs = this.elapsedMs() - askedAtMs;
    // It was told at some moment in between, so half of that is how wrong it may be.
    const startedAtMs = told.getTime() - askedAtMs - tookMs / 2;
    const isFirst = this.#startedAtMs === undefined;
    if (!isFirst && tookMs > LIMITS.clockResponseMsMax) return;
    if (isFirst || Math.abs(startedAtMs - (this.#startedAtMs ?? 0)) > tookMs / 2 + 1) this.#startedAtMs = startedAtMs;
  }
}
