import { randomUUID } from 'node:crypto';
import { Attempt, asError, attemptRecord, type AttemptResult } from './attempt.js';
import type { Clock } from './clock.js';
import { ShutdownError } from './errors.js';
import { restoreEvent } from './event-data.js';
import type { HandlerSet } from './handler-set.js';
import type { IdSequence } from './ids.js';
import { LIMITS } from './limits.js';
import type { Logger } from './logger.js';
import { MessageReader } from './message-reader.js';
import { afterFailure } from './retry-policy.js';
import type { OpenSource } from './source.js';
import type { ClaimedDelivery, Settlement, Store } from './store.js';
import { WakeUp } from './wake-up.js';

export interface DispatcherOptions {
  readonly store: Store;
  readonly sources: readonly OpenSource[];
  readonly handlers: HandlerSet;
  readonly clock: Clock;
  readonly ids: IdSequence;
  readonly logger: Logger;
  /** Attempts that may run at the same time in this process. @default 10 */
  readonly concurrency?: number;
}

/**
 * Claims due work under a lease: reads messages, runs handlers, records what happened. It is woken when this process
 * stores a message, and looks once a second for what others stored or what became due.
 */
export class Dispatcher {
  readonly #store: Store;
  readonly #handlers: HandlerSet;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #concurrency: number;
  readonly #sources: ReadonlyMap<string, OpenSource>;
  readonly #reader: MessageReader;
  readonly #wakeUp = new WakeUp();
  /** Attempts whose handler has not settled, recorded or not: they count against the concurrency. */
  readonly #running = new Set<Attempt>();
  /** Attempts whose claim we hold, each with the promise of its record: renewed until then. */
  readonly #held = new Map<Attempt, Promise<void>>();
  /** The last pass begun: passes follow each other, so that no two of them fill the same room. */
  #lastPass: Promise<unknown> = Promise.resolve();
  #loop: Promise<void> | undefined;
  #renewal: NodeJS.Timeout | undefined;
  #stopping = false;
  #storeFailed = false;

  constructor(options: DispatcherOptions) {
    this.#store = options.store;
    this.#handlers = options.handlers;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#concurrency = options.concurrency ?? LIMITS.concurrency;
    this.#sources = new Map(options.sources.map((source) => [source.name, source]));
    this.#reader = new MessageReader(this.#sources, options.handlers, options.ids);
  }

  /** Starts looking for work. Calling it again changes nothing. */
  start(): void {
    if (this.#loop) return;
    this.#renewal = setInterval(() => void this.#renew(), LIMITS.leaseMs / 3).unref();
    this.#loop = this.#work();
  }

  /** Look now: something was stored or became due. */
  wake(): void {
    this.#wakeUp.now();
  }

  /**
   * Stops claiming, waits up to `drainMs` for running handlers, then aborts them and waits up to the abort grace.
   * What still runs after that is attempted again once its lease has run out.
   */
  async stop(drainMs: number = LIMITS.drainMs): Promise<void> {
    this.#stopping = true;
    this.wake();
    await this.#loop;
    await this.#recordedWithin(drainMs);
    for (const attempt of this.#held.keys()) attempt.abort(new ShutdownError());
    await this.#recordedWithin(LIMITS.abortGraceMs + LIMITS.pollMs);
    clearInterval(this.#renewal);
  }

  /** Reads and runs all that is due now, and what follows from it, until nothing is. Rejects if the store fails. */
  async runUntilIdle(): Promise<void> {
    for (;;) {
      const claimed = await this.#nextPass();
      if (this.#held.size > 0) await Promise.race(this.#held.values());
      else if (claimed === 0) return;
    }
  }

  async #work(): Promise<void> {
    while (!this.#stopping) {
      this.#wakeUp.reset();
      const claimed = await this.#guarded(() => this.#nextPass(), 0);
      if (claimed === 0) await this.#wakeUp.wait(LIMITS.pollMs);
    }
  }

  #nextPass(): Promise<number> {
    const pass = this.#lastPass.then(() => this.#pass());
    this.#lastPass = pass.catch(() => undefined);
    return pass;
  }

  /** Reads what is stored and starts what is due. Answers how much it claimed. */
  async #pass(): Promise<number> {
    const read = await this.#readMessages();
    let started = 0;
    for (const { handlerIds, free } of this.#openings()) {
      started += await this.#startDeliveries(handlerIds, free);
    }
    return read + started;
  }

  async #readMessages(): Promise<number> {
    const claim = this.#claim(LIMITS.claimMax);
    const messages = await this.#store.claimMessages({ ...claim, sources: [...this.#sources.keys()] });
    if (messages.length === 0) return 0;
    const recordings = messages.map((message) => this.#reader.read(message, claim.lease));
    const recorded = await this.#store.record(recordings, claim.now);
    recorded.forEach(({ idReused }, index) => {
      const message = messages[index];
      const recording = recordings[index];
      if (!message || !recording) return;
      const said = `message ${message.id} from source "${message.source}"`;
      if (recording.state !== 'read')
        this.#logger.warn(`${said} is kept as ${recording.state}: ${recording.reason ?? ''}`);
      if (idReused) this.#logger.warn(`${said} has the id of an earlier message, but another body; both are kept`);
    });
    return messages.length;
  }

  /** Which handlers have room, in groups that one claim can serve: all unbounded ones together, each bounded one alone. */
  #openings(): { handlerIds: string[]; free: number }[] {
    const shared = { handlerIds: [] as string[], free: this.#concurrency - this.#running.size };
    if (shared.free <= 0) return [];
    const openings = [shared];
    for (const { id, concurrency } of this.#handlers.all()) {
      if (concurrency === undefined) {
        shared.handlerIds.push(id);
        continue;
      }
      const free = concurrency - [...this.#running].filter(({ handler }) => handler.id === id).length;
      if (free > 0) openings.push({ handlerIds: [id], free });
    }
    return openings.filter(({ handlerIds }) => handlerIds.length > 0);
  }

  async #startDeliveries(handlerIds: readonly string[], free: number): Promise<number> {
    const limit = Math.min(free, this.#concurrency - this.#running.size);
    if (limit <= 0) return 0;
    const deliveries = await this.#store.claimDeliveries({ ...this.#claim(limit), handlerIds });
    for (const delivery of deliveries) this.#start(delivery);
    return deliveries.length;
  }

  #start(delivery: ClaimedDelivery): void {
    const handler = this.#handlers.get(delivery.handlerId);
    if (!handler) throw new Error(`claimed a delivery of handler "${delivery.handlerId}", which was not asked for`);
    const provider = this.#sources.get(delivery.event.source)?.provider;
    const restore = () => restoreEvent(delivery.event, delivery.message, provider);
    const attempt = new Attempt(delivery, handler, restore, this.#clock.now());
    this.#running.add(attempt);
    this.#held.set(
      attempt,
      attempt.ended.then((result) => this.#record(attempt, result)),
    );
    void attempt.settled.then(() => {
      this.#running.delete(attempt);
      this.wake();
    });
  }

  async #record(attempt: Attempt, result: AttemptResult): Promise<void> {
    const { delivery } = attempt;
    const settlement = this.#settlement(attempt, result);
    const written = await this.#guarded(() => this.#store.settle(settlement), undefined);
    this.#held.delete(attempt);
    if (written === false) {
      this.#logger.warn(
        `delivery ${delivery.id} was taken over while attempt ${delivery.attempt} ran; its result is dropped`,
      );
    }
    this.wake();
  }

  #settlement(attempt: Attempt, result: AttemptResult): Settlement {
    const { delivery, handler, startedAt } = attempt;
    const finishedAt = this.#clock.now();
    const base = {
      deliveryId: delivery.id,
      lease: delivery.lease,
      attempt: attemptRecord(startedAt, finishedAt, result),
    };
    if (result.outcome !== 'failed') return { ...base, next: { state: result.outcome } };
    const delayMs = afterFailure(handler.retry, delivery.attempt, result.thrown);
    const error = base.attempt.error;
    const line =
      `attempt ${delivery.attempt} of delivery ${delivery.id} (${delivery.event.id} for ${handler.id}) failed ` +
      `with ${error?.name}: ${error?.message}`;
    if (delayMs === 'dead') {
      this.#logger.error(`${line}. It is a dead letter now`);
      return { ...base, next: { state: 'dead' } };
    }
    this.#logger.warn(`${line}. Next attempt in ${delayMs} ms`);
    return { ...base, next: { state: 'pending', dueAt: new Date(finishedAt.getTime() + delayMs) } };
  }

  async #renew(): Promise<void> {
    const held = [...this.#held.keys()];
    if (held.length === 0) return;
    const claims = held.map(({ delivery }) => ({ id: delivery.id, lease: delivery.lease }));
    await this.#guarded(() => this.#store.renew(claims, { now: this.#clock.now(), leaseMs: LIMITS.leaseMs }), []);
  }

  #claim(limit: number): { now: Date; leaseMs: number; limit: number; lease: string } {
    return { now: this.#clock.now(), leaseMs: LIMITS.leaseMs, limit, lease: randomUUID() };
  }

  /** A store that fails must not end the loop: said once, tried again at the next look. Leases bring the work back. */
  async #guarded<T>(step: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      const result = await step();
      if (this.#storeFailed) this.#logger.log('the inbox answers again');
      this.#storeFailed = false;
      return result;
    } catch (error) {
      if (!this.#storeFailed)
        this.#logger.error(`the inbox does not answer, dispatch waits for it: ${asError(error).message}`);
      this.#storeFailed = true;
      return otherwise;
    }
  }

  async #recordedWithin(waitMs: number): Promise<void> {
    if (this.#held.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const timeUp = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, waitMs);
    });
    await Promise.race([Promise.all(this.#held.values()), timeUp]);
    clearTimeout(timer);
  }
}
