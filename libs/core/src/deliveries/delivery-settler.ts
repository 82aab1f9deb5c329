import type { Clock } from '../time/clock.js';
import { ConfigurationError, isStoreUnavailableError, LeaseLostError } from '../errors.js';
import type { Router } from '../handlers/router.js';
import { LIMITS } from '../limits.js';
import type { Settlement } from '../store/delivery.js';
import type { OnEvents, Recorded } from '../store/recording.js';
import type { StoreGuard } from '../store/store-guard.js';
import type { Store } from '../store/store.js';
import { timers } from '../time/timers.js';
import { SettlementBatch } from './settlement-batch.js';
import { attemptRecord, type Attempt, type AttemptResult, type CompletionWork } from './attempt.js';
import type { DeliveryLog } from './delivery-log.js';
import { settlementOf } from './settlement.js';

/** Options for a delivery settler. */
export interface DeliverySettlerOptions {
  readonly store: Store;
  readonly router: Router;
  readonly clock: Clock;
  readonly guard: StoreGuard;
  readonly log: DeliveryLog;
  /** Whether the process is shutting down, so that a settlement is not retried. */
  readonly isDraining: () => boolean;
  /** Called with the event of a dead letter, if a handler asked for it. */
  readonly onEvents?: OnEvents;
}

/** Writes how attempts end. */
export class DeliverySettler {
  readonly #options: DeliverySettlerOptions;
  readonly #batch: SettlementBatch;

  constructor(options: DeliverySettlerOptions) {
    this.#options = options;
    this.#batch = new SettlementBatch(options);
  }

  /** Settles an attempt that is over, and logs it. Returns whether deliveries may be due because of it. Never rejects. */
  async settle(attempt: Attempt, result: AttemptResult): Promise<boolean> {
    const { clock, router, log, onEvents } = this.#options;
    const now = clock.now();
    if (attempt.isCompleted) {
      // Its handler has settled it already; nothing that happened after that changes it.
      log.succeeded(attempt, attemptRecord(attempt.startedAt, now, { outcome: 'succeeded' }));
      if (result.outcome === 'failed') log.threwAfterCompletion(attempt, result.thrown);
      return false;
    }
    const settlement = settlementOf(attempt, result, now, router);
    const recorded = await this.#write(settlement);
    if (recorded && !recorded.recorded) log.leaseLost(attempt);
    else log.settled(attempt, settlement, now);
    const { events = [] } = recorded ?? {};
    const { event, message } = attempt.delivery;
    if (events.length > 0) onEvents?.(events, event, message);
    return settlement.next.state === 'pending' || settlement.decide !== undefined;
  }

  /** Settles a delivery as succeeded in one transaction with the writes of its handler. */
  async complete(attempt: Attempt, work: CompletionWork): Promise<void> {
    const { store, clock, router } = this.#options;
    if (!store.settleWith) {
      throw new ConfigurationError(
        'delivery.completeWith',
        `expected an inbox in PostgreSQL, got ${store.description}. Use postgresInbox, or pass delivery.id to the other system as idempotency key`,
      );
    }
    const settlement = (): Settlement => settlementOf(attempt, { outcome: 'succeeded' }, clock.now(), router);
    const isWritten = await store.settleWith(work, settlement, attempt.signal);
    if (!isWritten) throw new LeaseLostError(attempt.delivery.id);
  }

  /**
   * Returns what was written of the settlement, or `undefined` if that is unknown. While the store is unavailable and
   * the lease is held, it retries: a handler that is done must not run twice because of an outage.
   */
  async #write(settlement: Settlement): Promise<Recorded | undefined> {
    const { guard, isDraining } = this.#options;
    for (let tries = 1; ; tries++) {
      let isUnavailable = false;
      const note = (error: unknown): never => {
        isUnavailable = isStoreUnavailableError(error);
        throw error;
      };
      const recorded = await guard.write(() => this.#batch.settle(settlement).catch(note), undefined);
      // A lease that is lost at a retry may mean that an earlier try was written after all.
      if (recorded && !recorded.recorded && tries > 1) return undefined;
      if (!isUnavailable || isDraining()) return recorded;
      await timers.pause(LIMITS.pollMs);
    }
  }
}
