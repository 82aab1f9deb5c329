import type { Attempt } from './attempt.js';
import type { AbandonedCount } from '../store/inbox-reader.js';
import { LIMITS } from '../limits.js';
import type { Logger } from '../log/logger.js';

/**
 * Calls of this process that are still running although their attempt is over, because their handler ignored
 * `delivery.signal`. They occupy no place, so that a handler that hangs stops no other one. Each uses memory, so their
 * number is limited.
 */
export class AbandonedCalls {
  readonly #logger: Logger;
  readonly #byHandler = new Map<string, number>();
  /** Handlers with a warning in the log. One warning is enough for a handler that is always a little late. */
  readonly #warned = new Set<string>();
  /** Handlers that were logged as paused. */
  readonly #loggedPaused = new Set<string>();
  #total = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Returns the numbers by handler, for handlers with at least one. */
  counts(): AbandonedCount[] {
    return [...this.#byHandler].map(([handlerId, calls]) => ({ handlerId, calls }));
  }

  /**
   * Returns whether a handler has so many abandoned calls that this process does not start it until one of them ends. If
   * the process has too many in all, every handler with at least one is paused.
   */
  isPaused(handlerId: string): boolean {
    const calls = this.#byHandler.get(handlerId) ?? 0;
    return calls >= LIMITS.abandonedPerHandlerMax || (calls > 0 && this.#total >= LIMITS.abandonedMax);
  }

  /** Counts the call of an attempt that is over. */
  add(attempt: Attempt): void {
    this.#change(attempt.handler.id, 1);
    this.#log(attempt);
    this.#logPaused();
  }

  /** Removes a call whose handler has returned or thrown. */
  remove({ handler: { id }, delivery, fields }: Attempt): void {
    this.#change(id, -1);
    const left = this.#byHandler.get(id) ?? 0;
    this.#logger.debug(
      `Handler "${id}" ended an abandoned call (attempt ${delivery.attempt} of delivery ${delivery.id}); ${left} left in this process`,
      fields,
    );
    this.#logPaused();
  }

  #change(handlerId: string, by: number): void {
    const calls = (this.#byHandler.get(handlerId) ?? 0) + by;
    this.#total += by;
    if (calls === 0) this.#byHandler.delete(handlerId);
    else this.#byHandler.set(handlerId, calls);
  }

  #log({ handler: { id }, delivery, fields }: Attempt): void {
    const calls = this.#byHandler.get(id) ?? 0;
    if (!this.#warned.has(id)) {
      this.#warned.add(id);
      this.#logger.warn(
        `Handler "${id}" ignored delivery.signal: attempt ${delivery.attempt} of delivery ${delivery.id} is over, but the ` +
          'call is still running and counts as abandoned. Pass delivery.signal to fetch and other I/O. Further abandoned ' +
          'calls of this handler are counted, not logged: see Inbox.processes()',
        { ...fields, code: 'RUNHOOKS_CALL_ABANDONED' },
      );
    } else {
      this.#logger.debug(`Handler "${id}" has ${calls} abandoned calls in this process`, fields);
    }
  }

  /** Logs which handlers were paused or resumed. One call can change this for every handler that has some. */
  #logPaused(): void {
    for (const id of this.#loggedPaused) {
      if (this.isPaused(id)) continue;
      this.#loggedPaused.delete(id);
      this.#logger.log(`Handler "${id}" is running in this process again`, { handlerId: id });
    }
    for (const [id, calls] of this.#byHandler) {
      if (!this.isPaused(id) || this.#loggedPaused.has(id)) continue;
      this.#loggedPaused.add(id);
      this.#logger.error(
        `Handler "${id}" is paused in this process until one of its ${calls} abandoned calls ends ` +
          `(${this.#total} in this process; limits: ${LIMITS.abandonedPerHandlerMax} per handler, ${LIMITS.abandonedMax} in all). ` +
          'Its deliveries wait, or run in other processes. Make it stop when delivery.signal is aborted, and restart the process',
        { handlerId: id, code: 'RUNHOOKS_HANDLER_PAUSED' },
      );
    }
  }
}
