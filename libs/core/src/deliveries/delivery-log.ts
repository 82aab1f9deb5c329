import { durationText } from '../time/duration-text.js';
import type { Logger } from '../log/logger.js';
import type { AttemptRecord, Settlement } from '../store/delivery.js';
import { describeError } from '../thrown.js';
import type { Attempt } from './attempt.js';

/** Logs how attempts end. */
export class DeliveryLog {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Logs an attempt that was settled as planned. */
  settled(attempt: Attempt, { attempt: record, next }: Settlement, now: Date): void {
    const { error } = record;
    if (!error) return this.succeeded(attempt, record);
    const { delivery, handler, fields } = attempt;
    const { id, event, attemptsBefore } = delivery;
    const attempts = `attempt ${delivery.attempt} of ${attemptsBefore + handler.retry.attemptsMax}`;
    const cause = `(handler "${handler.id}", ${event.id}, ${attempts}): ${error.name}: ${error.message}`;
    if (next.state === 'pending' && next.waitingFor !== undefined) {
      const look = `Next look in ${durationText(next.dueAt.getTime() - now.getTime())}`;
      // The handler that waits logs why. This line is about one of perhaps many deliveries.
      this.#logger.debug(
        `Delivery ${id} waits (handler "${handler.id}", ${event.id}): ${next.waitingFor}. ${look}`,
        fields,
      );
    } else if (next.state === 'pending') {
      const retry = `Retrying in ${durationText(next.dueAt.getTime() - now.getTime())}`;
      this.#logger.warn(`Delivery ${id} failed ${cause}. ${retry}`, { ...fields, code: 'RUNHOOKS_ATTEMPT_FAILED' });
    } else {
      const remedy = `Retry it with Inbox.redrive({ deliveryIds: ['${id}'] })`;
      this.#logger.error(`Delivery ${id} is now a dead letter ${cause}. ${remedy}`, {
        ...fields,
        code: 'RUNHOOKS_DEAD_LETTER',
      });
    }
  }

  /** Logs an attempt whose handler returned, or that was skipped by the handler's `when`. */
  succeeded({ delivery, fields }: Attempt, { outcome, startedAt, finishedAt }: AttemptRecord): void {
    const { id, handlerId, event } = delivery;
    const tookMs = finishedAt.getTime() - startedAt.getTime();
    this.#logger.debug(`Delivery ${id} ${outcome} (handler "${handlerId}", ${event.id}, ${tookMs} ms)`, fields);
  }

  /** Logs that an attempt's result is discarded. */
  leaseLost({ delivery, fields }: Attempt): void {
    this.#logger.warn(
      `Delivery ${delivery.id} lost its lease during attempt ${delivery.attempt} and was claimed by another process; this ` +
        'result is discarded. Look for a blocked event loop or a paused process',
      { ...fields, code: 'RUNHOOKS_LEASE_LOST' },
    );
  }

  /** Logs an error that came too late to change anything. */
  threwAfterCompletion({ delivery, fields }: Attempt, thrown: unknown): void {
    this.#logger.error(
      `Delivery ${delivery.id} succeeded through completeWith; its handler then threw ${describeError(thrown)}, ` +
        'which is ignored. Make completeWith the last step',
      { ...fields, code: 'RUNHOOKS_THREW_AFTER_COMPLETION' },
    );
  }
}
