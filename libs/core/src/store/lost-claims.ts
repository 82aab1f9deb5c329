import type { Clock } from '../time/clock.js';
import type { Release } from './claim.js';
import { DueHint } from './due-hint.js';
import type { Store } from './store.js';

/** Options for lost claims. */
export interface LostClaimsOptions {
  readonly store: Pick<Store, 'release'>;
  readonly clock: Clock;
  /** Token of the claims. */
  readonly lease: string;
  /** Kind of the claimed work. */
  readonly kind: Exclude<keyof Release, 'lease'>;
}

interface LostClaim {
  /** End of the lease. After it, the store lets any process claim the work, so the claim needs no release. */
  readonly untilMs: number;
  /** Whether the store may write the claim after a release, because writing it has failed. */
  readonly isUnsure: boolean;
}

/**
 * Claims of this process whose work it does not run. They are released at once, and once a second until that has succeeded.
 * Claims that the store may still write are released once a second until their leases have ended.
 */
export class LostClaims {
  readonly #options: LostClaimsOptions;
  readonly #lost = new Map<string, LostClaim>();
  readonly #hint = new DueHint();

  constructor(options: LostClaimsOptions) {
    this.#options = options;
  }

  /** Number of claims that are to be released. */
  get count(): number {
    return this.#lost.size;
  }

  /** Adds a claim that the store has written. Then call {@link release}. */
  add(id: string, untilMs: number): void {
    this.#lost.set(id, { untilMs, isUnsure: false });
  }

  /** Adds a claim that the store may have written, or may still write, although it has failed. */
  addUnsure(id: string, untilMs: number): void {
    this.#lost.set(id, { untilMs, isUnsure: true });
    this.#hint.give();
  }

  /** Releases all claims. Rejects if the store fails. */
  async release(): Promise<void> {
    if (this.#lost.size === 0) return;
    this.#hint.take();
    const { store, clock, lease, kind } = this.#options;
    const lost = [...this.#lost];
    const now = clock.now();
    let isReleased = false;
    try {
      const none = { messageIds: [], deliveryIds: [] };
      await store.release?.({ ...none, lease, [kind]: lost.map(([id]) => id) }, now);
      isReleased = true;
    } finally {
      for (const [id, { untilMs, isUnsure }] of lost) {
        if (untilMs <= now.getTime() || (isReleased && !isUnsure)) this.#lost.delete(id);
      }
    }
  }

  /** Does {@link release} if one is due. Returns whether it did. Rejects if the store fails. */
  async releaseDue(): Promise<boolean> {
    if (this.#lost.size === 0 || !this.#hint.isDue) return false;
    await this.release();
    return true;
  }
}
