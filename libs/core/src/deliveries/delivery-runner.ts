import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import { PermanentError } from '../errors.js';
import { restoreEvent } from '../events/event-data.js';
import type { WebhookEvent } from '../events/event.js';
import type { HandlerSet } from '../handlers/handler-set.js';
import { LIMITS } from '../limits.js';
import type { OpenSource } from '../sources/source.js';
import type { Claim, ClaimedDelivery, DeliveryTurn, DueDelivery } from '../store/claim.js';
import type { Store } from '../store/store.js';
import type { AttemptsInFlight } from './attempts-in-flight.js';

export interface DeliveryRunnerOptions {
  readonly store: Store;
  readonly sources: ReadonlyMap<string, OpenSource>;
  readonly handlers: HandlerSet;
  readonly clock: Clock;
  readonly attempts: AttemptsInFlight;
  /** Handlers that may run at the same time in this process. */
  readonly concurrency: number;
}

/** Handlers that one claim can serve, and how many of their deliveries may start. */
interface Opening {
  /** Of its own for each bounded handler. */
  readonly name: string;
  readonly handlerIds: string[];
  readonly free: number;
}

/** Names the opening of all handlers without a bound. No handler has an empty id. */
const SHARED = '';

/** Claims deliveries and starts their attempts, within the bounds of the process and of each handler. */
export class DeliveryRunner {
  readonly #options: DeliveryRunnerOptions;
  /** The group of handlers whose turn it is. */
  #turn = 0;
  /** Of each opening, whom its last claim served last. */
  readonly #served = new Map<string, DeliveryTurn>();
  /** Claims of single deliveries that are under way; each may come to take up room. */
  readonly #claims = new Set<Promise<unknown>>();
  #stopping = false;

  constructor(options: DeliveryRunnerOptions) {
    this.#options = options;
  }

  /** Claims no more. Resolves when no claim is under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.allSettled(this.#claims);
  }

  /**
   * Starts what has been due for `lateMs`, and answers how much. Serves the groups of handlers in turn, and within them
   * each source of each handler: however much waits for one of them, it does not take all the room.
   */
  async startDue(lateMs = 0): Promise<number> {
    const openings = this.#openings();
    const first = this.#turn;
    let started = 0;
    for (let index = first; index < first + openings.length; index++) {
      const count = await this.#startDeliveries(openings[index % openings.length] as Opening, lateMs);
      if (count > 0) this.#turn = (index + 1) % openings.length;
      started += count;
    }
    return started;
  }

  /** What is due, at most `limit`; of handlers that are bounded, what may start here. */
  async due(limit: number): Promise<DueDelivery[]> {
    const { store, clock } = this.#options;
    const now = clock.now();
    const due: DueDelivery[] = [];
    for (const { handlerIds, free, isShared } of this.#openings()) {
      const room = Math.min(limit - due.length, isShared ? limit : free);
      if (room > 0) due.push(...(await store.dueDeliveries({ now, handlerIds, limit: room })));
    }
    return due;
  }

  /** Runs one delivery, if it is due, nobody holds it, and there is room. Resolves when its attempt was recorded. */
  async run(deliveryId: string): Promise<void> {
    const claiming = this.#claimOne(deliveryId);
    this.#claims.add(claiming);
    const started = await claiming.finally(() => this.#claims.delete(claiming));
    await started?.recorded;
  }

  async #claimOne(deliveryId: string): Promise<{ readonly recorded: Promise<void> } | undefined> {
    // Whichever handler it is of, the other claims under way may be of the same.
    const others = this.#claims.size;
    const open = this.#openings().filter(({ free }) => free - others > 0);
    const handlerIds = open.flatMap((opening) => opening.handlerIds);
    if (this.#stopping || handlerIds.length === 0 || this.#freeRoom() - others <= 0) return undefined;
    const claim = this.#claim(1);
    await this.#options.attempts.renewOverdue(claim.now);
    const [delivery] = this.#stillOurs(
      await this.#options.store.claimDeliveries({ ...claim, handlerIds, deliveryIds: [deliveryId] }),
      claim,
    );
    // Not the promise itself: that would be waited for.
    return delivery && { recorded: this.#start(delivery, claim.now) };
  }

  /** Which handlers have room, in groups that one claim can serve: all unbounded ones together, each bounded one alone. */
  #openings(): (Opening & { readonly isShared: boolean })[] {
    const { handlers, attempts } = this.#options;
    const shared = { name: SHARED, handlerIds: [] as string[], free: this.#freeRoom(), isShared: true };
    const openings = [shared];
    for (const { id, concurrency } of handlers.all()) {
      if (attempts.isPaused(id)) continue;
      if (concurrency === undefined) shared.handlerIds.push(id);
      else openings.push({ name: id, handlerIds: [id], free: concurrency - attempts.running(id), isShared: false });
    }
    return openings.filter(({ handlerIds }) => handlerIds.length > 0);
  }

  async #startDeliveries({ name, handlerIds, free }: Opening, lateMs: number): Promise<number> {
    const limit = Math.min(free, this.#freeRoom());
    if (limit <= 0 || this.#stopping) return 0;
    const claim = this.#claim(limit);
    await this.#options.attempts.renewOverdue(claim.now);
    // As seen from then, with a lease that begins now.
    const since = { now: new Date(claim.now.getTime() - lateMs), leaseMs: claim.leaseMs + lateMs };
    const after = this.#served.get(name);
    const turn = { ...(after && { after }) };
    const deliveries = await this.#options.store.claimDeliveries({ ...claim, ...since, ...turn, handlerIds });
    const last = deliveries.at(-1);
    if (last) this.#served.set(name, { handlerId: last.handlerId, source: last.event.source });
    for (const delivery of this.#stillOurs(deliveries, claim)) void this.#start(delivery, claim.now);
    return deliveries.length;
  }

  /** None, if the process was held up for so long that the lease is over: somebody else may be running them. */
  #stillOurs(claimed: readonly ClaimedDelivery[], { now, leaseMs }: Claim): readonly ClaimedDelivery[] {
    const heldMs = this.#options.clock.now().getTime() - now.getTime();
    return heldMs < leaseMs ? claimed : [];
  }

  #start(delivery: ClaimedDelivery, claimedAt: Date): Promise<void> {
    const { handlers, sources, attempts } = this.#options;
    const handler = handlers.get(delivery.handlerId);
    if (!handler)
      throw new Error(`the store gave out a delivery of handler "${delivery.handlerId}", which was not asked for`);
    const provider = sources.get(delivery.event.source)?.provider;
    const begun = delivery.attempt - delivery.attemptsBefore - 1;
    const isLost = begun >= handler.retry.attemptsMax + LIMITS.attemptsLostMax;
    const restore = (): WebhookEvent => {
      if (isLost) throw new PermanentError(`it was begun ${begun} times without an end; does it end the process?`);
      return restoreEvent(delivery.event, delivery.message, provider);
    };
    return attempts.start(delivery, handler, restore, claimedAt);
  }

  #freeRoom(): number {
    return this.#options.concurrency - this.#options.attempts.running();
  }

  #claim(limit: number): Claim {
    return { now: this.#options.clock.now(), leaseMs: LIMITS.leaseMs, limit, lease: randomUUID() };
  }
}
