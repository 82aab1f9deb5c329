import { PermanentError } from '../errors.js';
import { restoreEvent } from '../events/event-data.js';
import type { WebhookEvent } from '../events/event.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';
import type { OpenSource } from '../sources/source.js';
import type { ClaimedDelivery, DueDelivery } from '../store/claim.js';
import { Attempt } from './attempt.js';
import { DeliveryClaimer, type DeliveryClaimerOptions } from './delivery-claimer.js';
import { DeliveryLog } from './delivery-log.js';
import { DeliverySettler, type DeliverySettlerOptions } from './delivery-settler.js';
import { RunningAttempts, type RunningAttemptsOptions } from './running-attempts.js';

/** Options for a delivery runner. */
export interface DeliveryRunnerOptions
  extends
    RunningAttemptsOptions,
    Omit<DeliveryClaimerOptions, 'running'>,
    Omit<DeliverySettlerOptions, 'log' | 'isDraining'> {
  readonly sources: ReadonlyMap<string, OpenSource>;
  readonly logger: Logger;
  /** Called when a place became free, or when work became due. */
  readonly onChange: () => void;
}

/** Takes deliveries one way: claims them, runs their handlers, settles them. */
export class DeliveryRunner {
  readonly #options: DeliveryRunnerOptions;
  readonly #running: RunningAttempts;
  readonly #claimer: DeliveryClaimer;
  readonly #settler: DeliverySettler;
  /** Claims of single deliveries that are under way; each may take up room. */
  readonly #claims = new Set<Promise<unknown>>();

  constructor(options: DeliveryRunnerOptions) {
    this.#options = options;
    const running = new RunningAttempts(options);
    this.#running = running;
    this.#claimer = new DeliveryClaimer({ ...options, running });
    this.#settler = new DeliverySettler({
      ...options,
      log: new DeliveryLog(options.logger),
      isDraining: () => running.isDraining,
    });
  }

  /** Number of deliveries settled since this process started. */
  get settledCount(): number {
    return this.#running.settledCount;
  }

  /** Returns a promise that resolves when the next delivery is settled, or `undefined` if none is running. */
  nextSettled(): Promise<void> | undefined {
    return this.#running.nextSettled();
  }

  /** Starts deliveries that have been due for `lateMs`. Returns how many it claimed. */
  async startDue(lateMs = 0): Promise<number> {
    return await this.#claimer.claimDue((delivery, claimedAt) => void this.#run(delivery, claimedAt), lateMs);
  }

  /** Lists at most `limit` due deliveries; of bounded handlers, those that may start here. */
  async due(limit: number): Promise<DueDelivery[]> {
    return await this.#claimer.due(limit);
  }

  /** Runs one delivery if it is due, unclaimed, and has room. Resolves when it is settled. */
  async run(deliveryId: string): Promise<void> {
    let settled: Promise<void> | undefined;
    const start = (delivery: ClaimedDelivery, claimedAt: Date): void => {
      settled = this.#run(delivery, claimedAt);
    };
    const claiming = this.#claimer.claimOne(deliveryId, start, this.#claims.size);
    this.#claims.add(claiming);
    await claiming.finally(() => this.#claims.delete(claiming));
    await settled;
  }

  /** Claims no more. Resolves when no claim is under way. */
  async stop(): Promise<void> {
    this.#claimer.stop();
    await Promise.allSettled(this.#claims);
  }

  /** Waits up to `drainMs` for running handlers, then aborts them. Resolves when all their deliveries are settled. */
  async drain(drainMs: number): Promise<void> {
    await this.#running.drain(drainMs);
  }

  #run(delivery: ClaimedDelivery, claimedAt: Date): Promise<void> {
    const attempt = this.#attemptOf(delivery);
    const settled = this.#settle(attempt);
    this.#running.add(attempt, claimedAt, settled);
    void attempt.settled.then(() => {
      this.#running.handlerEnded(attempt);
      this.#options.onChange();
    });
    return settled;
  }

  #attemptOf(delivery: ClaimedDelivery): Attempt {
    const { handlers, sources, clock, abortGraceMs } = this.#options;
    const handler = handlers.get(delivery.handlerId);
    if (!handler) {
      throw new Error(`the store returned a delivery of handler "${delivery.handlerId}", which was not asked for`);
    }
    const provider = sources.get(delivery.event.source)?.provider;
    const begun = delivery.attempt - delivery.attemptsBefore - 1;
    const isLost = begun >= handler.retry.attemptsMax + LIMITS.attemptsLostMax;
    const restore = (): WebhookEvent => {
      if (isLost) throw new PermanentError(`${begun} attempts never ended. Check whether the handler ends the process`);
      return restoreEvent(delivery.event, delivery.message, provider);
    };
    return new Attempt({
      delivery,
      handler,
      restore,
      startedAt: clock.now(),
      graceMs: abortGraceMs,
      complete: (one, work) => this.#settler.complete(one, work),
    });
  }

  async #settle(attempt: Attempt): Promise<void> {
    const result = await attempt.ended;
    this.#running.freePlace(attempt);
    try {
      await this.#settler.settle(attempt, result);
    } finally {
      this.#running.release(attempt);
      this.#options.onChange();
    }
  }
}
