import type { Logger } from '../log/logger.js';
import type { DueDelivery } from '../store/claim.js';

/** Deliveries of this process, as a transport sees them. */
export interface DispatchTarget {
  /** Number of deliveries that this process may run at the same time. */
  readonly concurrency: number;
  /**
   * Runs a delivery if it is due, not claimed, and its handler is in this process. Resolves when the attempt was recorded,
   * or at once if the delivery does not run. Rejects if the store fails.
   */
  run(deliveryId: string): Promise<void>;
}

/**
 * Port: brings the ids of due deliveries to workers, instead of the claim loop. A transport carries ids only.
 *
 * The inbox remains the source of truth. It decides what is due, every run claims its delivery first, and a delivery that
 * did not run is offered again. A transport may therefore lose ids, repeat them, and bring them late or to a process that
 * cannot run them. Workers claim a delivery from the inbox if it is overdue by 5 s.
 */
export interface DispatchTransport {
  /** Engine and its address, for the log: `BullMQ on Redis 127.0.0.1:6379`. It must not contain a password. */
  readonly description: string;
  /**
   * Largest number of deliveries that this process runs at the same time while it uses the transport, whatever way they
   * come. The module's `concurrency` limits it, too. @default the module's `concurrency`
   */
  readonly concurrency?: number | undefined;
  /** Starts to pass ids to `carried.run`. If the engine is unavailable, the transport keeps trying to connect. */
  start(target: DispatchTarget): void;
  /**
   * Returns how many ids to offer now, including ids that are under way; 0 if it has enough. Rejects while the engine is
   * unavailable.
   */
  room(): Promise<number>;
  /** Takes ids to bring to workers. It ignores an id and attempt that are under way. Rejects if the engine is unavailable. */
  offer(due: readonly DueDelivery[]): Promise<void>;
  /** Stops bringing ids. Resolves when the runs that have started are over. May be called again. */
  stop(): Promise<void>;
}

/** Configured transport that starts with the worker, as `bullmq(…)` returns it. */
export interface DispatchTransportFactory {
  /**
   * Creates the transport. It must not connect before {@link DispatchTransport.start}.
   *
   * @throws ConfigurationError if an option is invalid.
   */
  createTransport(logger: Logger): DispatchTransport;
}
