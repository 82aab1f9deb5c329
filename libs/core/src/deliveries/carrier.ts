import { describeError } from '../thrown.js';
import type { Clock } from '../clock.js';
import type { DeliveryRunner } from './delivery-runner.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../logger.js';
import { Reasons } from '../reasons.js';
import type { DispatchTransport } from './dispatch-transport.js';
import type { DueDelivery } from '../store/claim.js';
import { timers } from '../timers.js';

export interface CarrierOptions {
  readonly transport: DispatchTransport;
  readonly deliveries: DeliveryRunner;
  readonly concurrency: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a transport is asked for. */
type Verb = 'room' | 'offer' | 'stop';

/** Lets a transport carry what is due. While it cannot, deliveries are claimed from the inbox, as without one. */
export class Carrier {
  readonly #options: CarrierOptions;
  /** When what was offered lately; the longest ago first. */
  readonly #offered = new Map<string, number>();
  /** What the transport failed to do last. */
  #failed: Verb | undefined;
  readonly #reasons = new Reasons();
  /** Whether it is being asked beside the work if it is back. */
  #isAsking = false;
  #isStopped = false;

  constructor(options: CarrierOptions) {
    this.#options = options;
  }

  start(): void {
    const { transport, deliveries, concurrency } = this.#options;
    transport.start({ concurrency, run: (deliveryId) => deliveries.run(deliveryId) });
  }

  /** Offers what is due, and claims what was not brought to anybody. Answers how much was started here. Rejects if the store fails. */
  async carryDue(): Promise<number> {
    const { deliveries, clock } = this.#options;
    const room = await this.#room();
    if (room === undefined) return await deliveries.startDue();
    // With no room it is still of interest whether anything is late.
    const due = await deliveries.due(Math.max(room, 1));
    const isOffered = room === 0 || (await this.#offer(due));
    if (!isOffered) return await deliveries.startDue();
    const lateBefore = clock.now().getTime() - LIMITS.transportLateMs;
    const isLate = due.some(({ dueAt }) => dueAt.getTime() <= lateBefore);
    return isLate ? await deliveries.startDue(LIMITS.transportLateMs) : 0;
  }

  /** Undefined while the transport cannot say. Then nobody waits for it: whether it is back is asked beside the work. */
  async #room(): Promise<number | undefined> {
    const ask = (): Promise<number | undefined> => this.#tried('room', () => this.#options.transport.room());
    if (this.#failed !== 'room') return await ask();
    if (!this.#isAsking) {
      this.#isAsking = true;
      void ask().finally(() => {
        this.#isAsking = false;
      });
    }
    return undefined;
  }

  /** What was offered a moment ago is under way; if it came to nothing, it is offered again. */
  async #offer(due: readonly DueDelivery[]): Promise<boolean> {
    const nowMs = timers.monotonicMs();
    for (const [key, atMs] of this.#offered) {
      if (nowMs - atMs < LIMITS.pollMs) break;
      this.#offered.delete(key);
    }
    const fresh = due.filter((one) => !this.#offered.has(keyOf(one)));
    if (fresh.length === 0) return true;
    const isOffered = await this.#tried('offer', () => this.#options.transport.offer(fresh).then(() => true));
    if (!isOffered) return false;
    for (const one of fresh) this.#offered.set(keyOf(one), nowMs);
    return true;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#options.transport.stop().catch((error: unknown) => this.#report('stop', error));
  }

  async #tried<T>(verb: Verb, step: () => Promise<T>): Promise<T | undefined> {
    const { logger, transport } = this.#options;
    try {
      const result = await step();
      if (this.#failed !== verb) return result;
      logger.log(`${transport.description} is dispatching again`);
      this.#failed = undefined;
      this.#reasons.clear();
      return result;
    } catch (error) {
      // Requests in flight while the transport stops are expected to fail.
      if (!this.#isStopped) this.#report(verb, error);
      return undefined;
    }
  }

  #report(verb: Verb, error: unknown): void {
    const { logger, transport } = this.#options;
    const failure = describeError(error);
    if (this.#reasons.isNew(failure)) {
      logger.error(`${transport.description} is unavailable; claiming deliveries from the inbox instead: ${failure}`, {
        code: 'RUNHOOKS_TRANSPORT_UNAVAILABLE',
      });
    }
    this.#failed = verb;
  }
}

function keyOf({ id, attempt }: DueDelivery): string {
  return `${id}-${attempt}`;
}
