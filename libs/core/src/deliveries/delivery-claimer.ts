import type { Clock } from '../time/clock.js';
import type { HandlerSet } from '../handlers/handler-set.js';
import { LIMITS } from '../limits.js';
import type { Claim, ClaimedDelivery, DeliveryTurn, DueDelivery } from '../store/claim.js';
import { claimToken } from '../store/claim-token.js';
import { DueHint } from '../store/due-hint.js';
import type { Store } from '../store/store.js';
import type { ReadyDeliveries } from './ready-deliveries.js';
import type { RunningAttempts } from './running-attempts.js';

/** Options for a delivery claimer. */
export interface DeliveryClaimerOptions {
  readonly store: Store;
  readonly handlers: HandlerSet;
  readonly clock: Clock;
  readonly running: RunningAttempts;
  readonly ready: ReadyDeliveries;
  /** Lease of this process, with which the tokens of its claims begin. */
  readonly lease: string;
  /** Number of handlers that may run at the same time in this process. */
  readonly concurrency: number;
}

/** Runs a claimed delivery. */
export type StartDelivery = (delivery: ClaimedDelivery, claimedAt: Date) => void;

/** Handlers that one claim can serve, and how many of their deliveries may start. */
interface Opening {
  /** The id of a bounded handler, or {@link SHARED}. */
  readonly name: string;
  readonly handlerIds: string[];
  readonly free: number;
}

/** Names the opening of all handlers without a bound. No handler has an empty id. */
const SHARED = '';

/** Claims due deliveries, within the bounds of the process and of each handler. */
export class DeliveryClaimer {
  readonly #options: DeliveryClaimerOptions;
  /** Whether unclaimed deliveries may be due. */
  readonly hint = new DueHint();
  /** Places of claims that are under way. */
  #reserved = 0;
  /** Index of the opening that is served first next time. */
  #turn = 0;
  /** The last delivery each opening was served, so that the others come first next time. */
  readonly #served = new Map<string, DeliveryTurn>();
  #isStopped = false;

  constructor(options: DeliveryClaimerOptions) {
    this.#options = options;
  }

  /** Claims no more; a pass that is under way ends after its current claim. */
  stop(): void {
    this.#isStopped = true;
  }

  /**
   * Claims deliveries that have been due for `lateMs`, calls `start` for each, and returns how many it claimed. It serves
   * the openings in turn, and within them each source of each handler: no backlog takes all the room.
   */
  async claimDue(start: StartDelivery, lateMs = 0): Promise<number> {
    const openings = this.#openings();
    const first = this.#turn;
    let claimed = 0;
    for (let index = first; index < first + openings.length; index++) {
      const count = await this.#claimFor(openings[index % openings.length] as Opening, start, lateMs);
      if (count > 0) this.#turn = (index + 1) % openings.length;
      claimed += count;
    }
    return claimed;
  }

  /** Claims one delivery if it is due, unclaimed, and has room beside `others` that are being claimed. */
  async claimOne(deliveryId: string, start: StartDelivery, others: number): Promise<void> {
    // The other claims under way may all be of the same handler.
    const open = this.#openings().filter(({ free }) => free - others > 0);
    const handlerIds = open.flatMap((opening) => opening.handlerIds);
    if (this.#isStopped || handlerIds.length === 0 || this.freeRoom() - others <= 0) return;
    const claim = this.#claim(1);
    await this.#options.running.renewOverdue(claim.now);
    const claimed = await this.#options.store.claimDeliveries({ ...claim, handlerIds, deliveryIds: [deliveryId] });
    await this.#startHeld(claimed, claim, start);
  }

  /** Lists at most `limit` due deliveries; of bounded handlers, those that may start here. */
  async due(limit: number): Promise<DueDelivery[]> {
    const { store, clock } = this.#options;
    const now = clock.now();
    const due: DueDelivery[] = [];
    for (const { name, handlerIds, free } of this.#openings()) {
      const room = Math.min(limit - due.length, name === SHARED ? limit : free);
      if (room > 0) due.push(...(await store.dueDeliveries({ now, handlerIds, limit: room })));
    }
    return due;
  }

  /** Returns the handlers with room, in groups that one claim can serve: unbounded ones together, bounded ones alone. */
  #openings(): Opening[] {
    const { handlers, running } = this.#options;
    const shared = { name: SHARED, handlerIds: [] as string[], free: this.freeRoom() };
    const openings = [shared];
    for (const { id, concurrency } of handlers.all()) {
      if (running.isPaused(id)) continue;
      if (concurrency === undefined) shared.handlerIds.push(id);
      else openings.push({ name: id, handlerIds: [id], free: concurrency - running.count(id) });
    }
    return openings.filter(({ handlerIds }) => handlerIds.length > 0);
  }

  async #claimFor({ name, handlerIds, free }: Opening, start: StartDelivery, lateMs: number): Promise<number> {
    const limit = Math.min(free, this.freeRoom());
    // What waits for a place is claimed once there is one.
    if (this.freeRoom() <= 0) this.hint.give();
    if (limit <= 0 || this.#isStopped) return 0;
    const claim = this.#claim(limit);
    this.#reserved += limit;
    try {
      return await this.#claimFrom(claim, name, handlerIds, start, lateMs);
    } finally {
      this.#reserved -= limit;
    }
  }

  async #claimFrom(
    claim: Claim,
    name: string,
    handlerIds: readonly string[],
    start: StartDelivery,
    lateMs: number,
  ): Promise<number> {
    const { store, running, ready } = this.#options;
    await running.renewOverdue(claim.now);
    // Deliveries are due as of `lateMs` ago, but the lease begins now.
    const since = { now: new Date(claim.now.getTime() - lateMs), leaseMs: claim.leaseMs + lateMs };
    const after = this.#served.get(name);
    const deliveries = await store.claimDeliveries({ ...claim, ...since, ...(after && { after }), handlerIds });
    if (deliveries.length > 0) this.hint.give();
    if (name === SHARED && lateMs === 0) ready.isBehind = deliveries.length === claim.limit;
    const last = deliveries.at(-1);
    if (last) this.#served.set(name, { handlerId: last.handlerId, source: last.event.source });
    await this.#startHeld(deliveries, claim, start);
    return deliveries.length;
  }

  /** Starts none if the process was blocked for so long that the lease has expired: another process may run them. */
  async #startHeld(claimed: readonly ClaimedDelivery[], claim: Claim, start: StartDelivery): Promise<void> {
    const { clock, running } = this.#options;
    const now = clock.now();
    if (now.getTime() - claim.now.getTime() >= claim.leaseMs) return;
    for (const delivery of claimed) start(delivery, claim.now);
    // After a slow claim, their leases could expire before their first renewal by the timer.
    await running.renewOverdue(now);
  }

  /** Places that are neither taken nor reserved for a claim. */
  freeRoom(): number {
    return this.#options.concurrency - this.#options.running.count() - this.#reserved;
  }

  #claim(limit: number): Claim {
    const { clock, lease } = this.#options;
    return { now: clock.now(), leaseMs: LIMITS.leaseMs, limit, lease: claimToken(lease) };
  }
}
