import type { Clock } from '../time/clock.js';
import { LeaseLostError, ShutdownError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { StoreGuard } from '../store/store-guard.js';
import type { Store } from '../store/store.js';
import { timers } from '../time/timers.js';
import { within } from '../time/within.js';
import type { AbandonedCalls } from './abandoned-calls.js';
import type { Attempt } from './attempt.js';

/** Options for the running attempts. */
export interface RunningAttemptsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly guard: StoreGuard;
  /** Time an aborted handler has to return before its attempt ends without it, in ms. */
  readonly abortGraceMs: number;
  readonly abandoned: AbandonedCalls;
}

const RENEW_AFTER_MS = LIMITS.leaseMs / 3;

/** Owns what runs in this process now: the attempts that take up room, and the leases of those that are not settled. */
export class RunningAttempts {
  readonly #options: RunningAttemptsOptions;
  /** Attempts that are not over: they take up room. */
  readonly #running = new Set<Attempt>();
  /** Attempts whose lease this process holds, each with the promise of its settlement. */
  readonly #held = new Map<Attempt, Promise<void>>();
  #settledCount = 0;
  #renewal: NodeJS.Timeout | undefined;
  /** Time at which the lease that ends first was claimed or renewed. */
  #freshAtMs = 0;
  #isDraining = false;

  constructor(options: RunningAttemptsOptions) {
    this.#options = options;
  }

  /** Returns the number of attempts that take up room; of one handler, if one is named. */
  count(handlerId?: string): number {
    if (handlerId === undefined) return this.#running.size;
    return [...this.#running].filter(({ handler }) => handler.id === handlerId).length;
  }

  /** Whether a handler has left so many calls running that no more of its deliveries may start. */
  isPaused(handlerId: string): boolean {
    return this.#options.abandoned.isPaused(handlerId);
  }

  /** Number of attempts settled since this process started. */
  get settledCount(): number {
    return this.#settledCount;
  }

  /** Whether the process is shutting down and has aborted its handlers. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Returns a promise that resolves when the next attempt is settled, or `undefined` if none is running. */
  nextSettled(): Promise<void> | undefined {
    return this.#held.size === 0 ? undefined : Promise.race(this.#held.values());
  }

  /** Adds a started attempt. Its lease is renewed until {@link release}. */
  add(attempt: Attempt, claimedAt: Date, settled: Promise<void>): void {
    const { clock, guard } = this.#options;
    this.#freshAtMs = Math.min(this.#held.size === 0 ? Infinity : this.#freshAtMs, claimedAt.getTime());
    this.#running.add(attempt);
    this.#held.set(attempt, settled);
    const renew = (): void => void guard.write(() => this.#renew(clock.now()), undefined);
    this.#renewal ??= timers.setInterval(renew, RENEW_AFTER_MS).unref();
  }

  /** Frees the place of an attempt that is over. If its handler is still running, the call counts as abandoned. */
  freePlace(attempt: Attempt): void {
    if (this.#running.delete(attempt)) this.#options.abandoned.add(attempt);
  }

  /** Notes that the handler of an attempt has returned or thrown. */
  handlerEnded(attempt: Attempt): void {
    if (!this.#running.delete(attempt)) this.#options.abandoned.remove(attempt);
  }

  /** Stops renewing the lease of an attempt that is settled. */
  release(attempt: Attempt): void {
    if (this.#held.delete(attempt)) this.#settledCount += 1;
  }

  /**
   * Renews the leases if that is overdue at `now`, because the process was blocked or its clock jumped. Must be called
   * before a claim at that time, which would otherwise take the running deliveries for those of a dead process. Rejects
   * if the store fails; then nothing may be claimed.
   */
  async renewOverdue(now: Date): Promise<void> {
    if (now.getTime() - this.#freshAtMs >= RENEW_AFTER_MS) await this.#renew(now);
  }

  /** Waits up to `drainMs` for running attempts, then aborts them. Resolves when all are settled. */
  async drain(drainMs: number): Promise<void> {
    if (this.#held.size > 0) await within(Promise.all(this.#held.values()), drainMs);
    this.#isDraining = true;
    for (const attempt of this.#held.keys()) attempt.abort(new ShutdownError(), LIMITS.drainGraceMs);
    await Promise.all(this.#held.values());
    timers.clearInterval(this.#renewal);
  }

  async #renew(now: Date): Promise<void> {
    const { store, abortGraceMs } = this.#options;
    const held = [...this.#held.keys()];
    if (held.length === 0) return;
    const claims = held.map(({ delivery }) => ({ id: delivery.id, lease: delivery.lease }));
    const renewed = await store.renew(claims, { now, leaseMs: LIMITS.leaseMs });
    this.#freshAtMs = now.getTime();
    for (const attempt of held) {
      const { id } = attempt.delivery;
      // An attempt that was settled during the renewal holds no lease it could lose.
      if (this.#held.has(attempt) && !attempt.isCompleted && !renewed.includes(id)) {
        attempt.abort(new LeaseLostError(id), abortGraceMs);
      }
    }
  }
}
