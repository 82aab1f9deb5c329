import { systemClock, type Clock } from '../time/clock.js';
import { LIMITS } from '../limits.js';
import type { Store } from '../store/store.js';

/**
 * Clock of all processes that share an inbox: the store's clock ({@link Store.now}) if it has one, otherwise the host's
 * clock. Between two requests to the store, a monotonic clock continues it. So a host with a wrong clock neither schedules
 * work in another year nor claims the work of others.
 */
export class SharedClock implements Required<Clock> {
  readonly own: Required<Clock>;
  readonly #store: Pick<Store, 'now'>;
  /** The store's time at `elapsedMs` 0; `undefined` before the first request. */
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

  /** Milliseconds that the host's clock is ahead of this one; negative if it is behind. */
  get ownAheadMs(): number {
    return this.#startedAtMs === undefined ? 0 : this.own.now().getTime() - this.now().getTime();
  }

  /** Reads the store's time. Rejects if the store fails; the clock then continues unchanged. */
  async adjust(): Promise<void> {
    if (!this.#store.now) return;
    const requestedAtMs = this.elapsedMs();
    const storeTime = await this.#store.now();
    const tookMs = this.elapsedMs() - requestedAtMs;
    // The store read its clock at some moment in between, so the time is inexact by up to half of the duration.
    const startedAtMs = storeTime.getTime() - requestedAtMs - tookMs / 2;
    const isFirst = this.#startedAtMs === undefined;
    if (!isFirst && tookMs > LIMITS.clockResponseMsMax) return;
    if (isFirst || Math.abs(startedAtMs - (this.#startedAtMs ?? 0)) > tookMs / 2 + 1) this.#startedAtMs = startedAtMs;
  }
}
