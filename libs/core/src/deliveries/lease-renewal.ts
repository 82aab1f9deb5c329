import { LeaseLostError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { StoreGuard } from '../store/store-guard.js';
import type { Store } from '../store/store.js';
import type { Clock } from '../time/clock.js';
import { timers } from '../time/timers.js';
import type { Attempt } from './attempt.js';

/** Parts of a process that renewing leases needs. */
export interface LeaseHolder {
  readonly store: Store;
  readonly clock: Clock;
  readonly guard: StoreGuard;
  /** Time an aborted handler has before its attempt ends without it, in milliseconds. */
  readonly abortGraceMs: number;
}

/** Options for renewing leases. */
export interface LeaseRenewalOptions extends LeaseHolder {
  /** Attempts whose leases this process holds. */
  readonly held: ReadonlyMap<Attempt, unknown>;
}

const RENEW_AFTER_MS = LIMITS.leaseMs / 3;

/** Renews the leases of running deliveries every third of a lease, and aborts the handlers of those that were lost. */
export class LeaseRenewal {
  readonly #options: LeaseRenewalOptions;
  #timer: NodeJS.Timeout | undefined;
  /** When the lease that ends first was taken or renewed. */
  #freshAtMs = 0;

  constructor(options: LeaseRenewalOptions) {
    this.#options = options;
  }

  /** Notes a lease, before its attempt is added to the held ones. */
  add(claimedAt: Date): void {
    const { clock, guard, held } = this.#options;
    this.#freshAtMs = Math.min(held.size === 0 ? Infinity : this.#freshAtMs, claimedAt.getTime());
    const renew = (): void => void guard.write(() => this.#renew(clock.now()), undefined);
    this.#timer ??= timers.setInterval(renew, RENEW_AFTER_MS).unref();
  }

  /**
   * Renews the leases if that is overdue at `now`, because the process was blocked or its clock jumped. Must be called
   * before a claim at that time, which would otherwise take the running deliveries for those of a dead process. Rejects
   * if the store fails; then nothing may be claimed.
   */
  async renewOverdue(now: Date): Promise<void> {
    if (now.getTime() - this.#freshAtMs >= RENEW_AFTER_MS) await this.#renew(now);
  }

  stop(): void {
    timers.clearInterval(this.#timer);
  }

  async #renew(now: Date): Promise<void> {
    const { store, abortGraceMs, held } = this.#options;
    const attempts = [...held.keys()];
    if (attempts.length === 0) return;
    const claims = attempts.map(({ delivery }) => ({ id: delivery.id, lease: delivery.lease }));
    const renewed = await store.renew(claims, { now, leaseMs: LIMITS.leaseMs });
    this.#freshAtMs = now.getTime();
    for (const attempt of attempts) {
      const { id } = attempt.delivery;
      // An attempt that was settled during the renewal holds no lease it could lose.
      if (held.has(attempt) && !attempt.isCompleted && !renewed.includes(id)) {
        attempt.abort(new LeaseLostError(id), abortGraceMs);
      }
    }
  }
}
