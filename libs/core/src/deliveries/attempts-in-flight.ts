import type { Clock } from '../clock.js';
import { ConfigurationError, isStoreUnavailableError, LeaseLostError, ShutdownError } from '../errors.js';
import type { WebhookEvent } from '../events/event.js';
import type { Handler } from '../handlers/handler.js';
import type { Router } from '../handlers/router.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../logger.js';
import type { StoredMessage } from '../sources/message.js';
import type { ClaimedDelivery } from '../store/claim.js';
import type { AttemptRecord, Settlement } from '../store/delivery.js';
import type { NewEvent } from '../store/recording.js';
import type { StoreGuard } from '../store/store-guard.js';
import type { Store } from '../store/store.js';
import { durationText } from '../duration-text.js';
import { describeError } from '../thrown.js';
import { timers } from '../timers.js';
import { within } from '../within.js';
import type { AbandonedCalls } from './abandoned-calls.js';
import { Attempt, attemptRecord, type AttemptResult, type CompletionWork } from './attempt.js';
import { settlementOf } from './settlement.js';

export interface AttemptsInFlightOptions {
  readonly store: Store;
  readonly router: Router;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly guard: StoreGuard;
  readonly abortGraceMs: number;
  readonly abandoned: AbandonedCalls;
  /** Called when there is room again, or when something became due. */
  readonly onChange: () => void;
  /** Called after a delivery was given up, if there is an event of that. */
  readonly onDeadLetter: (event: NewEvent, message: StoredMessage) => void;
}

const RENEW_AFTER_MS = LIMITS.leaseMs / 3;

/** The attempts of this process: runs them, keeps their leases, records how they end. */
export class AttemptsInFlight {
  readonly #options: AttemptsInFlightOptions;
  /** Attempts that are not over: they take up room. */
  readonly #running = new Set<Attempt>();
  /** Attempts whose lease we hold, each with the promise of its record. */
  readonly #held = new Map<Attempt, Promise<void>>();
  #recorded = 0;
  #renewal: NodeJS.Timeout | undefined;
  /** The lease that ends first was taken or renewed then. */
  #freshAtMs = 0;
  #draining = false;

  constructor(options: AttemptsInFlightOptions) {
    this.#options = options;
  }

  /** How many handlers are running; of one handler, if named. */
  running(handlerId?: string): number {
    if (handlerId === undefined) return this.#running.size;
    return [...this.#running].filter(({ handler }) => handler.id === handlerId).length;
  }

  /** Whether a handler has left so many calls behind that it is not to be started. */
  isPaused(handlerId: string): boolean {
    return this.#options.abandoned.isPaused(handlerId);
  }

  /** How many attempts were recorded so far. */
  get recorded(): number {
    return this.#recorded;
  }

  /** Resolves when the next attempt was recorded; undefined if none is waiting for that. */
  nextRecord(): Promise<void> | undefined {
    return this.#held.size === 0 ? undefined : Promise.race(this.#held.values());
  }

  /** Resolves when the attempt was recorded; never rejects. */
  start(delivery: ClaimedDelivery, handler: Handler, restore: () => WebhookEvent, claimedAt: Date): Promise<void> {
    const { clock, guard, abortGraceMs, onChange } = this.#options;
    const attempt = new Attempt(delivery, handler, restore, clock.now(), abortGraceMs, (one, work) =>
      this.#complete(one, work),
    );
    this.#freshAtMs = Math.min(this.#held.size === 0 ? Infinity : this.#freshAtMs, claimedAt.getTime());
    this.#running.add(attempt);
    const record = attempt.ended.then((result) => this.#record(attempt, result));
    this.#held.set(attempt, record);
    const renew = (): void => void guard.write(() => this.#renew(clock.now()), undefined);
    this.#renewal ??= timers.setInterval(renew, RENEW_AFTER_MS).unref();
    void attempt.settled.then(() => {
      if (!this.#running.delete(attempt)) this.#options.abandoned.remove(attempt);
      onChange();
    });
    return record;
  }

  /**
   * Renews the leases if that is overdue at `now`, because the process was held up or its clock jumped. To be called
   * before a claim at that very time, which would else take what runs here for the work of a process that died. Rejects
   * if the store fails: then there must be no claim.
   */
  async renewOverdue(now: Date): Promise<void> {
    if (now.getTime() - this.#freshAtMs >= RENEW_AFTER_MS) await this.#renew(now);
  }

  /** Waits up to `drainMs` for what runs, then aborts it. Resolves when all of it is recorded, its leases given back. */
  async drain(drainMs: number): Promise<void> {
    await this.#recordedWithin(drainMs);
    this.#draining = true;
    for (const attempt of this.#held.keys()) attempt.abort(new ShutdownError(), LIMITS.drainGraceMs);
    await Promise.all(this.#held.values());
    timers.clearInterval(this.#renewal);
  }

  async #record(attempt: Attempt, result: AttemptResult): Promise<void> {
    const { clock, router, logger, onChange, onDeadLetter } = this.#options;
    const { delivery } = attempt;
    this.#giveBackPlace(attempt);
    if (attempt.isCompleted) return this.#completed(attempt, result);
    const now = clock.now();
    const settlement = settlementOf(attempt, result, now, router);
    const written = await this.#settle(settlement, now);
    this.#letGo(attempt);
    if (written !== false) {
      this.#log(attempt, settlement, now);
    } else {
      logger.warn(
        `Delivery ${delivery.id} lost its lease during attempt ${delivery.attempt} and was claimed by another process; this ` +
          'result is discarded. Look for a blocked event loop or a paused process',
        { ...attempt.fields, code: 'RUNHOOKS_LEASE_LOST' },
      );
    }
    const { next } = settlement;
    if (written && next.state === 'dead' && next.event) onDeadLetter(next.event, delivery.message);
    onChange();
  }

  /** The success of the delivery, and what its handler writes with it. */
  async #complete(attempt: Attempt, work: CompletionWork): Promise<void> {
    const { store, clock, router } = this.#options;
    if (!store.settleWith) {
      throw new ConfigurationError(
        'delivery.completeWith',
        `the inbox is ${store.description}, where handlers cannot write; use postgresInbox, or give delivery.id to the other system as idempotency key`,
      );
    }
    const settlement = (): Settlement => settlementOf(attempt, { outcome: 'succeeded' }, clock.now(), router);
    const written = await store.settleWith(work, settlement, attempt.signal);
    if (!written) throw new LeaseLostError(attempt.delivery.id);
  }

  /** It was recorded by its handler; what came after that changes nothing. */
  #completed(attempt: Attempt, result: AttemptResult): void {
    const { logger, clock, onChange } = this.#options;
    const { delivery } = attempt;
    this.#letGo(attempt);
    logger.debug(
      doneLine(delivery, attemptRecord(attempt.startedAt, clock.now(), { outcome: 'succeeded' })),
      attempt.fields,
    );
    if (result.outcome === 'failed') {
      logger.error(
        `Delivery ${delivery.id} succeeded through completeWith; its handler then threw ${describeError(result.thrown)}, ` +
          'which is ignored. Make completeWith the last step',
        { ...attempt.fields, code: 'RUNHOOKS_THREW_AFTER_COMPLETION' },
      );
    }
    onChange();
  }

  /**
   * Whether the attempt was written; undefined if that is not known. As long as the store is unavailable and the lease
   * is ours it is tried again: a handler that is done must not run twice for that.
   */
  async #settle(settlement: Settlement, now: Date): Promise<boolean | undefined> {
    const { store, guard } = this.#options;
    for (let tries = 1; ; tries++) {
      let unavailable = false;
      const note = (error: unknown): never => {
        unavailable = isStoreUnavailableError(error);
        throw error;
      };
      const written = await guard.write(() => store.settle(settlement, now).catch(note), undefined);
      // Not held any more may mean that the try before was written after all.
      if (written === false && tries > 1) return undefined;
      if (!unavailable || this.#draining) return written;
      await timers.pause(LIMITS.pollMs);
    }
  }

  #log({ delivery, handler, fields }: Attempt, { attempt, next }: Settlement, now: Date): void {
    const { logger } = this.#options;
    const { error } = attempt;
    if (!error) {
      logger.debug(doneLine(delivery, attempt), fields);
      return;
    }
    const { id, attempt: number, attemptsBefore, event } = delivery;
    const attempts = `attempt ${number} of ${attemptsBefore + handler.retry.attemptsMax}`;
    const cause = `(handler "${handler.id}", ${event.id}, ${attempts}): ${error.name}: ${error.message}`;
    if (next.state === 'pending') {
      const retry = `Retrying in ${durationText(next.dueAt.getTime() - now.getTime())}`;
      logger.warn(`Delivery ${id} failed ${cause}. ${retry}`, { ...fields, code: 'RUNHOOKS_ATTEMPT_FAILED' });
    } else {
      const remedy = `Retry it with Inbox.redrive({ deliveryIds: ['${id}'] })`;
      logger.error(`Delivery ${id} is now a dead letter ${cause}. ${remedy}`, {
        ...fields,
        code: 'RUNHOOKS_DEAD_LETTER',
      });
    }
  }

  #letGo(attempt: Attempt): void {
    if (this.#held.delete(attempt)) this.#recorded += 1;
  }

  /** The attempt is over. If its handler is not, the call is abandoned: others must not wait for it. */
  #giveBackPlace(attempt: Attempt): void {
    if (this.#running.delete(attempt)) this.#options.abandoned.add(attempt);
  }

  async #renew(now: Date): Promise<void> {
    const { store, abortGraceMs } = this.#options;
    const held = [...this.#held.keys()];
    if (held.length === 0) return;
    const claims = held.map(({ delivery }) => ({ id: delivery.id, lease: delivery.lease }));
    const still = await store.renew(claims, { now, leaseMs: LIMITS.leaseMs });
    this.#freshAtMs = now.getTime();
    for (const attempt of held) {
      const { id } = attempt.delivery;
      // One that was recorded meanwhile holds nothing any more, and has lost nothing.
      if (this.#held.has(attempt) && !attempt.isCompleted && !still.includes(id)) {
        attempt.abort(new LeaseLostError(id), abortGraceMs);
      }
    }
  }

  async #recordedWithin(waitMs: number): Promise<void> {
    if (this.#held.size > 0) await within(Promise.all(this.#held.values()), waitMs);
  }
}

/** For a delivery whose handler returned, or was skipped by its `when`. */
function doneLine(
  { id, handlerId, event }: ClaimedDelivery,
  { outcome, startedAt, finishedAt }: AttemptRecord,
): string {
  const tookMs = finishedAt.getTime() - startedAt.getTime();
  return `Delivery ${id} ${outcome} (handler "${handlerId}", ${event.id}, ${tookMs} ms)`;
}
