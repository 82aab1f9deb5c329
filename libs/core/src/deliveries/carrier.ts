import type { Clock } from '../time/clock.js';
import type { DeliveryRunner } from './delivery-runner.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';
import { FailureLog } from '../log/failure-log.js';
import type { DispatchTransport } from './dispatch-transport.js';
import type { DueDelivery } from '../store/claim.js';
import { timers } from '../time/timers.js';

export interface CarrierOptions {
  readonly transport: DispatchTransport;
  readonly deliveries: DeliveryRunner;
  readonly concurrency: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Calls that a transport can fail. */
type Verb = 'room' | 'offer' | 'stop';

/** Lets a transport bring due deliveries to workers. While the transport fails, they are claimed from the inbox. */
export class Carrier {
  readonly #options: CarrierOptions;
  /** Monotonic times at which deliveries were offered, oldest first. */
  readonly #offered = new Map<string, number>();
  readonly #failures: FailureLog;
  /** The call that failed last. Only its success proves that the transport works again. */
  #failedVerb: Verb | undefined;
  /** Whether a failed transport is being asked for its room in the background. */
  #isAsking = false;
  #isStopped = false;

  constructor(options: CarrierOptions) {
    this.#options = options;
    const { logger, transport } = options;
    this.#failures = new FailureLog({
      failed: (failure) =>
        logger.error(
          `${transport.description} is unavailable; claiming deliveries from the inbox instead: ${failure}`,
          {
            code: 'RUNHOOKS_TRANSPORT_UNAVAILABLE',
          },
        ),
      recovered: () => logger.log(`${transport.description} is dispatching again`),
    });
  }

  start(): void {
    const { transport, deliveries, concurrency } = this.#options;
    transport.start({ concurrency, run: (deliveryId) => deliveries.run(deliveryId) });
  }

  /**
   * Offers due deliveries to the transport, and claims those it has not brought to a worker in time. Returns the number of
   * deliveries started here. Rejects if the store fails.
   */
  async carryDue(): Promise<number> {
    const { deliveries, clock } = this.#options;
    if (!deliveries.hint.take()) return 0;
    const room = await this.#room();
    if (room === undefined) return await deliveries.startDue();
    // A full transport still must not hide deliveries that are late.
    const due = await deliveries.due(Math.max(room, 1));
    // More may be due than were asked for.
    if (due.length >= room) deliveries.hint.give();
    const isOffered = room === 0 || (await this.#offer(due));
    if (!isOffered) return await deliveries.startDue();
    const lateBefore = clock.now().getTime() - LIMITS.transportLateMs;
    const isLate = due.some(({ dueAt }) => dueAt.getTime() <= lateBefore);
    return isLate ? await deliveries.startDue(LIMITS.transportLateMs) : 0;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#options.transport.stop().catch((error: unknown) => this.#failed('stop', error));
  }

  /** Returns `undefined` while the transport fails. It is then asked in the background, so that no delivery waits for it. */
  async #room(): Promise<number | undefined> {
    const ask = (): Promise<number | undefined> => this.#tried('room', () => this.#options.transport.room());
    if (this.#failedVerb !== 'room') return await ask();
    if (!this.#isAsking) {
      this.#isAsking = true;
      void ask().finally(() => {
        this.#isAsking = false;
      });
    }
    return undefined;
  }

  /** Offers deliveries that were not offered within the last poll interval; lost ones are offered again after it. */
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

  async #tried<T>(verb: Verb, step: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await step();
      if (this.#failedVerb === verb) {
        this.#failedVerb = undefined;
        this.#failures.worked();
      }
      return result;
    } catch (error) {
      // Requests in flight while the transport stops are expected to fail.
      if (!this.#isStopped) this.#failed(verb, error);
      return undefined;
    }
  }

  #failed(verb: Verb, error: unknown): void {
    this.#failures.failed(error);
    this.#failedVerb = verb;
  }
}

function keyOf({ id, attempt }: DueDelivery): string {
  return `${id}-${attempt}`;
}
