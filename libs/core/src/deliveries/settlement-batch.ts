import { LIMITS } from '../limits.js';
import type { Settlement } from '../store/delivery.js';
import { NOT_RECORDED, type Recorded } from '../store/recording.js';
import type { Store } from '../store/store.js';
import type { Clock } from '../time/clock.js';
import { timers } from '../time/timers.js';

interface Waiting {
  readonly settlement: Settlement;
  readonly resolve: (recorded: Recorded) => void;
  readonly reject: (error: unknown) => void;
}

/** Options for settling attempts together. */
export interface SettlementBatchOptions {
  readonly store: Store;
  readonly clock: Clock;
}

/**
 * Settles attempts that end at the same time, or while others are being settled, by one step of the store.
 */
export class SettlementBatch {
  readonly #options: SettlementBatchOptions;
  #waiting: Waiting[] = [];
  #isScheduled = false;
  #inFlight = 0;

  constructor(options: SettlementBatchOptions) {
    this.#options = options;
  }

  /** Writes the settlement, together with others. Rejects if it was not written because of an error. */
  settle(settlement: Settlement): Promise<Recorded> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ settlement, resolve, reject });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled || this.#inFlight >= LIMITS.settleStepsMax) return;
    this.#isScheduled = true;
    timers.nextTick(() => {
      this.#isScheduled = false;
      void this.#settleNext();
    });
  }

  async #settleNext(): Promise<void> {
    const batch = this.#waiting.splice(0, LIMITS.settleMax);
    if (batch.length === 0) return;
    this.#inFlight += 1;
    await this.#settle(batch);
    this.#inFlight -= 1;
    if (this.#waiting.length > 0) this.#schedule();
  }

  /** Never rejects. */
  async #settle(batch: readonly Waiting[]): Promise<void> {
    const { store, clock } = this.#options;
    try {
      const settlements = batch.map(({ settlement }) => settlement);
      const recorded = await store.record(settlements, clock.now());
      batch.forEach(({ resolve, reject }, index) => {
        const result = recorded[index] ?? NOT_RECORDED;
        if (result.failure === undefined) resolve(result);
        else reject(result.failure);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
