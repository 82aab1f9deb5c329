import type { HandlerSet } from '../handlers/handler-set.js';
import type { RoutedDelivery } from '../handlers/router.js';
import { LIMITS } from '../limits.js';
import type { ClaimedDelivery, OwnClaim } from '../store/claim.js';
import type { LostClaims } from '../store/lost-claims.js';
import { timers } from '../time/timers.js';

/** Options for deliveries that wait for a place. */
export interface ReadyDeliveriesOptions {
  readonly handlers: HandlerSet;
  /** Token of all claims that this process makes of its own work. */
  readonly lease: string;
  /** Largest number of deliveries that wait; 0 if the store does not support these claims. */
  readonly max: number;
  /** Time after which a delivery that waits for a place is overdue, in milliseconds. */
  readonly waitMs: number;
  /** Whether no more deliveries of a handler may start. */
  readonly isPaused: (handlerId: string) => boolean;
  /** Takes deliveries that may be stored with a claim although the store has failed. */
  readonly lost: LostClaims;
}

/** A claimed delivery that has not started. */
export interface ReadyDelivery {
  readonly delivery: ClaimedDelivery;
  readonly claimedAt: Date;
  /** Monotonic time since which it waits. */
  readonly sinceMs: number;
}

/**
 * Deliveries that this process has recorded as already claimed, and that wait for a free place. They wait for a short time
 * only: if handlers are slow, deliveries are claimed from the store, where handlers and sources take turns.
 */
export class ReadyDeliveries {
  readonly #options: ReadyDeliveriesOptions;
  #ready: ReadyDelivery[] = [];
  /** Bytes of the bodies that the deliveries keep. */
  #bytes = 0;
  /** Deliveries that may become ready when the current recordings are written, and their bytes. */
  #promised = 0;
  #promisedBytes = 0;
  /** Those of them that have not become ready, with the ends of their leases. */
  readonly #awaited = new Map<string, number>();
  #isBehind = false;
  #isOpen = true;

  constructor(options: ReadyDeliveriesOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#ready.length;
  }

  /** Notes whether unclaimed deliveries wait in the store. As long as they do, none is claimed before them. */
  set isBehind(isBehind: boolean) {
    this.#isBehind = isBehind;
  }

  /** Called before recordings are decided. */
  beginRecording(): void {
    this.#promised = 0;
    this.#promisedBytes = 0;
    this.#awaited.clear();
  }

  /** Called after recordings of which some, or all, may be written although the store has failed. */
  recordingFailed(): void {
    for (const [id, untilMs] of this.#awaited) this.#options.lost.addUnsure(id, untilMs);
    this.#awaited.clear();
  }

  /**
   * Returns the claim of a new delivery of a message with this body, if a place becomes free for it soon. Lanes and handlers
   * with a bound of their own are never claimed ahead, because the store decides whose turn it is.
   */
  claimFor({ id, handlerId, lane }: RoutedDelivery, { length }: Uint8Array, now: Date): OwnClaim | undefined {
    if (!this.#isOpen || this.#isBehind || lane !== undefined) return undefined;
    const { handlers, lease, max, isPaused, lost } = this.#options;
    const handler = handlers.get(handlerId);
    if (!handler || handler.concurrency !== undefined || isPaused(handlerId)) return undefined;
    const bytes = this.#bytes + this.#promisedBytes + length;
    // Lost claims keep their room, so that an outage does not collect ever more of them.
    if (this.#ready.length + this.#promised + lost.count >= max || bytes > LIMITS.readyBytesMax) {
      this.#isBehind = true;
      return undefined;
    }
    this.#promised += 1;
    this.#promisedBytes += length;
    const until = new Date(now.getTime() + LIMITS.leaseMs);
    this.#awaited.set(id, until.getTime());
    return { lease, until };
  }

  add(delivery: ClaimedDelivery, claimedAt: Date): void {
    this.#awaited.delete(delivery.id);
    this.#bytes += bytesOf(delivery);
    this.#ready.push({ delivery, claimedAt, sinceMs: timers.monotonicMs() });
  }

  /** Takes at most `limit` deliveries to start them, those that wait longest first; none after {@link close}. */
  take(limit: number): ReadyDelivery[] {
    return limit > 0 && this.#isOpen ? this.#remove(limit) : [];
  }

  /** Time until the first delivery is overdue, in milliseconds; infinite if none waits, and after {@link close}. */
  get overdueInMs(): number {
    const first = this.#isOpen ? this.#ready[0] : undefined;
    return first ? first.sinceMs + this.#options.waitMs - timers.monotonicMs() : Infinity;
  }

  /** Takes the deliveries that have waited for too long. */
  takeOverdue(): ReadyDelivery[] {
    const overdueMs = timers.monotonicMs() - this.#options.waitMs;
    const isOverdue = (one: ReadyDelivery | undefined): boolean => one !== undefined && one.sinceMs <= overdueMs;
    return isOverdue(this.#ready[0]) ? this.take(this.#ready.filter(isOverdue).length) : [];
  }

  /** Claims no more. What waits, or was claimed before and is recorded later, can only be taken by {@link takeAll}. */
  close(): void {
    this.#isOpen = false;
  }

  /** Takes all deliveries that wait, to give them back. */
  takeAll(): ReadyDelivery[] {
    return this.#remove(this.#ready.length);
  }

  #remove(count: number): ReadyDelivery[] {
    const removed = this.#ready.splice(0, count);
    for (const { delivery } of removed) this.#bytes -= bytesOf(delivery);
    return removed;
  }
}

/** Returns the bytes of the body that a delivery keeps. Deliveries of one message share it, but each may be its last one. */
function bytesOf({ message }: ClaimedDelivery): number {
  return message?.body.length ?? 0;
}
