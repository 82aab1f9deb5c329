import type { Logger } from '../logger.js';
import type { DueDelivery } from '../store/claim.js';

/** What a transport does its work with. */
export interface Carried {
  /** Deliveries that this process may run at the same time. */
  readonly concurrency: number;
  /**
   * Runs a delivery, if it is still due, nobody holds it, and this process has its handler. Resolves when the attempt
   * was recorded, or when there is nothing to do. Rejects if the store fails.
   */
  run(deliveryId: string): Promise<void>;
}

/**
 * Port: brings the ids of due deliveries to the process that is to run them, in place of the claim loop. The inbox
 * stays the truth: it knows what is due and when, every run takes a lease first, and what was not run is offered
 * again. So a transport may lose ids, repeat them, and bring them late, twice at once, or to a process that cannot run
 * them: what it brings to nobody is claimed after {@link LIMITS.transportLateMs}.
 */
export interface DispatchTransport {
  /** For the boot log: the engine and where it is. */
  readonly description: string;
  /** From now on ids are brought to `run`. What it needs may be away: then it goes on trying. */
  start(carried: Carried): void;
  /**
   * How many ids it wants to be offered now, those that are under way already among them; 0 while it has enough. Rejects
   * while it cannot carry any.
   */
  room(): Promise<number>;
  /** Takes ids to carry. The same id and attempt offered again while it is under way is one. Rejects if it cannot. */
  offer(due: readonly DueDelivery[]): Promise<void>;
  /** Brings no more ids. Resolves when the runs that were begun have ended. May be called again. */
  stop(): Promise<void>;
}

/** What `bullmq(…)` makes: a configured transport that is started with the dispatcher. */
export interface DispatchTransportFactory {
  /** Nothing is connected before {@link DispatchTransport.start}. Throws `ConfigurationError`. */
  createTransport(logger: Logger): DispatchTransport;
}
