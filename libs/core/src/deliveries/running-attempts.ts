import { ShutdownError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { within } from '../time/within.js';
import type { AbandonedCalls } from './abandoned-calls.js';
import type { Attempt } from './attempt.js';
import { LeaseRenewal, type LeaseHolder } from './lease-renewal.js';

/** Options for the running attempts. */
export interface RunningAttemptsOptions extends LeaseHolder {
  /** Counts the calls that outlive their attempts. */
  readonly abandoned: AbandonedCalls;
}

/** Owns what runs in this process now: the attempts that take up room, and the leases of those that are not settled. */
export class RunningAttempts {
  readonly #options: RunningAttemptsOptions;
  /** Attempts that are not over: they take up room. */
  readonly #running = new Set<Attempt>();
  /** Attempts whose lease this process holds, each with the promise of its settlement. */
  readonly #held = new Map<Attempt, Promise<void>>();
  readonly #leases: LeaseRenewal;
  #settledCount = 0;
  #isDraining = false;

  constructor(options: RunningAttemptsOptions) {
    this.#options = options;
    this.#leases = new LeaseRenewal({ ...options, held: this.#held });
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
    this.#running.add(attempt);
    this.#leases.add(claimedAt);
    this.#held.set(attempt, settled);
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

  /** Renews the leases if that is overdue; see {@link LeaseRenewal.renewOverdue}. */
  async renewOverdue(now: Date): Promise<void> {
    await this.#leases.renewOverdue(now);
  }

  /** Waits up to `drainMs` for running attempts, then aborts them. Resolves when all are settled. */
  async drain(drainMs: number): Promise<void> {
    if (this.#held.size > 0) await within(Promise.all(this.#held.values()), drainMs);
    this.#isDraining = true;
    for (const attempt of this.#held.keys()) attempt.abort(new ShutdownError(), LIMITS.drainGraceMs);
    await Promise.all(this.#held.values());
    this.#leases.stop();
  }
}
