import { isRunhooksError, OwnError } from '../errors.js';

/**
 * Thrown by handlers of the core, and by actions, if a delivery must wait for something outside. The attempt is not counted.
 * `message` is what it waits for: it is stored with the delivery, and contains no secret.
 */
export class WaitingError extends OwnError {
  protected static override readonly className: string = 'WaitingError';
  readonly code = 'RUNHOOKS_WAITING' as 'RUNHOOKS_WAITING' | 'RUNHOOKS_ACTION_PENDING';

  constructor(
    message: string,
    /** Milliseconds until the next attempt. */
    readonly delayMs: number,
  ) {
    super(message);
  }
}

/** Returns whether a thrown value is a {@link WaitingError}. Handlers can throw any value, and `instanceof` throws for a revoked proxy. */
export function isWaiting(thrown: unknown): thrown is WaitingError {
  return isRunhooksError(thrown) && thrown instanceof WaitingError;
}
