import { PermanentError } from '../errors.js';
import { restoreEvent } from '../events/event-data.js';
import type { WebhookEvent } from '../events/event.js';
import type { HandlerSet } from '../handlers/handler-set.js';
import type { Router } from '../handlers/router.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';
import { parseMessage } from '../sources/parse-message.js';
import type { OpenSource } from '../sources/source.js';
import type { ClaimedDelivery, DueDelivery } from '../store/claim.js';
import type { DueHint } from '../store/due-hint.js';
import { LostClaims } from '../store/lost-claims.js';
import type { OnEvents } from '../store/recording.js';
import { timers } from '../time/timers.js';
import { Attempt } from './attempt.js';
import { DeliveryClaimer } from './delivery-claimer.js';
import { DeliveryLog } from './delivery-log.js';
import { DeliverySettler } from './delivery-settler.js';
import { ReadyDeliveries, type ReadyDelivery } from './ready-deliveries.js';
import { RunningAttempts, type RunningAttemptsOptions } from './running-attempts.js';

/** Parts of a process that running deliveries needs. */
export interface DeliveryRunning extends RunningAttemptsOptions {
  readonly handlers: HandlerSet;
  readonly router: Router;
  /** Number of handlers that may run at the same time in this process. */
  readonly concurrency: number;
  readonly logger: Logger;
}

/** Options for a delivery runner. */
export interface DeliveryRunnerOptions extends DeliveryRunning {
  readonly sources: ReadonlyMap<string, OpenSource>;
  /** Token of all claims that this process makes of its own work. */
  readonly lease: string;
  /** Largest number of deliveries that are claimed before they have a place. */
  readonly readyMax: number;
  /** Time after which they are given back if they still have none, in milliseconds. */
  readonly readyMs: number;
  /** Called when work may be due that only a pass can claim. */
  readonly onChange: () => void;
  /** Called with the event of a dead letter, if a handler asked for it. */
  readonly onEvents?: OnEvents;
}

/** Takes deliveries one way: claims them or gets them claimed, runs their handlers, settles them. */
export class DeliveryRunner {
  readonly #options: DeliveryRunnerOptions;
  readonly #running: RunningAttempts;
  /** Deliveries that this process has claimed while recording them. */
  readonly ready: ReadyDeliveries;
  /** Deliveries that are, or may be, stored with a claim, and that this process does not run. */
  readonly #lost: LostClaims;
  readonly #claimer: DeliveryClaimer;
  readonly #settler: DeliverySettler;
  /** Claims of single deliveries that are under way; each may take up room. */
  readonly #claims = new Set<Promise<unknown>>();
  /** Callbacks of single deliveries that wait for a place. */
  readonly #waiting = new Set<() => void>();

  constructor(options: DeliveryRunnerOptions) {
    this.#options = options;
    const running = new RunningAttempts(options);
    this.#running = running;
    this.#lost = new LostClaims({ ...options, kind: 'deliveryIds' });
    this.ready = new ReadyDeliveries({
      ...options,
      max: options.store.release ? options.readyMax : 0,
      waitMs: options.readyMs,
      isPaused: (handlerId) => running.isPaused(handlerId),
      lost: this.#lost,
    });
    this.#claimer = new DeliveryClaimer({ ...options, running, ready: this.ready });
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

  /** Whether unclaimed deliveries may be due. */
  get hint(): DueHint {
    return this.#claimer.hint;
  }

  /** Runs deliveries that were recorded as already claimed, as places become free. */
  runClaimed(deliveries: readonly ClaimedDelivery[], claimedAt: Date): void {
    for (const delivery of deliveries) this.ready.add(delivery, claimedAt);
    this.#startReady();
  }

  /** Gives back claimed deliveries that found no place in time, so that handlers and sources take turns. */
  async giveBackOverdue(): Promise<void> {
    const overdue = this.ready.takeOverdue();
    if (overdue.length > 0) await this.#giveBack(overdue);
  }

  /** Whether deliveries wait to be given back by {@link giveBackLost}. */
  get hasLost(): boolean {
    return this.#lost.count > 0;
  }

  /**
   * Gives back deliveries that could not be given back before, and those that may be stored with a claim although the store
   * has failed. Rejects if the store fails.
   */
  async giveBackLost(): Promise<void> {
    if (!(await this.#lost.releaseDue())) return;
    this.ready.isBehind = true;
    this.hint.give();
  }

  /** Starts due deliveries, unless the store has certainly none. Returns how many it claimed. */
  async startIfDue(): Promise<number> {
    return this.hint.take() ? await this.startDue() : 0;
  }

  /** Starts deliveries that have been due for `lateMs`. Returns how many it claimed. */
  async startDue(lateMs = 0): Promise<number> {
    try {
      return await this.#claimer.claimDue((delivery, claimedAt) => void this.#run(delivery, claimedAt), lateMs);
    } finally {
      // The claim has kept places that it did not need.
      this.#startReady();
    }
  }

  /** Lists at most `limit` due deliveries; of bounded handlers, those that may start here. */
  async due(limit: number): Promise<DueDelivery[]> {
    const due = await this.#claimer.due(limit);
    if (due.length === 0) this.ready.isBehind = false;
    return due;
  }

  /** Runs one delivery if it is due, unclaimed, and gets a place within a second. Resolves when it is settled. */
  async run(deliveryId: string): Promise<void> {
    await (this.#room() > 0 ? this.#runOne(deliveryId) : this.#runOneLater(deliveryId));
  }

  /** Claims and starts no more. Resolves when no claim is under way. After the last pass, call {@link giveBackAll}. */
  async stop(): Promise<void> {
    this.#claimer.stop();
    this.ready.close();
    for (const go of this.#waiting) go();
    await Promise.allSettled(this.#claims);
    await this.giveBackAll();
  }

  /** Gives back all claimed deliveries that wait for a place, and those that are lost. */
  async giveBackAll(): Promise<void> {
    await this.#giveBack(this.ready.takeAll());
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
      this.#placeFreed(attempt);
    });
    return settled;
  }

  /** Starts what waits for the place of an attempt. In lanes and for bounded handlers, only the store knows what that is. */
  #placeFreed({ handler }: Attempt): void {
    this.#startReady();
    if (handler.concurrency !== undefined || handler.serialize !== undefined) this.hint.give();
    if (this.hint.isDue) this.#options.onChange();
  }

  async #runOne(deliveryId: string): Promise<void> {
    let settled: Promise<void> | undefined;
    const start = (delivery: ClaimedDelivery, claimedAt: Date): void => {
      settled = this.#run(delivery, claimedAt);
    };
    const claiming = this.#claimer.claimOne(deliveryId, start, this.#claims.size);
    this.#claims.add(claiming);
    await claiming.finally(() => {
      this.#claims.delete(claiming);
      this.#startReady();
    });
    await settled;
  }

  /** Waits for a place, because deliveries of this process can have taken those that a transport counts on. */
  #runOneLater(deliveryId: string): Promise<void> {
    // What waits in a transport comes before what this process would claim from now on.
    this.ready.isBehind = true;
    return new Promise((resolve) => {
      const go = (): void => {
        timers.clearTimeout(timer);
        this.#waiting.delete(go);
        resolve(this.#runOne(deliveryId));
      };
      const timer = timers.setTimeout(go, LIMITS.pollMs);
      this.#waiting.add(go);
    });
  }

  /** Returns the places that are neither taken nor meant for a claim that is under way. */
  #room(): number {
    return this.#claimer.freeRoom() - this.#claims.size;
  }

  #startReady(): void {
    const nowMs = this.#options.clock.now().getTime();
    const returned: ReadyDelivery[] = [];
    for (let ready = this.ready.take(this.#room()); ready.length > 0; ready = this.ready.take(this.#room())) {
      for (const one of ready) {
        const { delivery, claimedAt } = one;
        // Leases are renewed after a third of their time. One that is older could expire before its first renewal.
        const isOld = nowMs - claimedAt.getTime() > LIMITS.leaseMs / 3;
        if (isOld || this.#running.isPaused(delivery.handlerId)) returned.push(one);
        else void this.#run(delivery, claimedAt);
      }
    }
    if (returned.length > 0) void this.#giveBack(returned).then(this.#options.onChange);
    for (const go of this.#waiting) if (this.#room() > 0) go();
  }

  async #giveBack(ready: readonly ReadyDelivery[]): Promise<void> {
    for (const { delivery, claimedAt } of ready) this.#lost.add(delivery.id, claimedAt.getTime() + LIMITS.leaseMs);
    if (this.#lost.count === 0) return;
    this.ready.isBehind = true;
    await this.#options.guard.write(() => this.#lost.release(), undefined);
    this.hint.give();
  }

  #attemptOf(delivery: ClaimedDelivery): Attempt {
    const { handlers, sources, clock, abortGraceMs } = this.#options;
    const handler = handlers.get(delivery.handlerId);
    if (!handler) {
      throw new Error(`the store returned a delivery of handler "${delivery.handlerId}", which was not asked for`);
    }
    const source = sources.get(delivery.event.source);
    const begun = delivery.attempt - delivery.attemptsBefore - 1;
    const isLost = begun >= handler.retry.attemptsMax + LIMITS.attemptsLostMax;
    const restore = (): WebhookEvent => {
      if (isLost) throw new PermanentError(`${begun} attempts never ended. Check whether the handler ends the process`);
      return restoreEvent(delivery.event, delivery.message, source && ((message) => parseMessage(source, message)));
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
    this.#placeFreed(attempt);
    try {
      const isMoreDue = await this.#settler.settle(attempt, result);
      if (isMoreDue) this.hint.give();
    } finally {
      this.#running.release(attempt);
      this.#placeFreed(attempt);
    }
  }
}
