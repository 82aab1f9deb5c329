import { oneLine } from './one-line.js';

/** Brands of errors. `instanceof` does not recognize errors of another copy of this package in the same process. */
const runhooks = Symbol.for('nestjs-runhooks:error');
const configuration = Symbol.for('nestjs-runhooks:configuration-error');
const storeUnavailable = Symbol.for('nestjs-runhooks:store-unavailable-error');
export const permanent = Symbol.for('nestjs-runhooks:permanent-error');
export const retryLater = Symbol.for('nestjs-runhooks:retry-later');

/** `ErrorOptions` of `lib: es2022`, for programs with an older `lib`. */
interface CausedBy {
  readonly cause?: unknown;
}

/**
 * Base class of all errors of Runhooks. Switch on `code`, which is a literal. Messages never contain secrets or payloads.
 *
 * @example
 * if (isRunhooksError(error) && error.code === 'RUNHOOKS_STORE_UNAVAILABLE') retry();
 */
export abstract class RunhooksError extends Error {
  /** Name of the class as a literal, because minifiers shorten the name of the class itself. */
  protected static readonly className?: string;
  abstract readonly code: `RUNHOOKS_${string}`;
  readonly [runhooks] = true;

  constructor(message: string, options?: CausedBy) {
    super(message, options);
    // An inherited name is not used, because a subclass in the app's code has its own name.
    const className = Object.hasOwn(new.target, 'className') ? new.target.className : undefined;
    this.name = className ?? new.target.name;
  }
}

/**
 * Base class of the errors that Runhooks itself throws. Their messages contain paths, options and texts of drivers, and
 * Nest or Node prints them at startup without the log of Runhooks. So each message is one printable line. Messages of
 * errors that handlers throw are not changed.
 */
export abstract class OwnError extends RunhooksError {
  constructor(message: string, options?: CausedBy) {
    super(oneLine(message), options);
  }
}

/** Error about an invalid option. `option` is its path, for example `dbtCloud({ name: 'dbt' }).secrets[0]`. */
export class ConfigurationError extends OwnError {
  protected static override readonly className = 'ConfigurationError';
  readonly code = 'RUNHOOKS_CONFIGURATION';
  readonly [configuration] = true;

  constructor(
    readonly option: string,
    problem: string,
    options?: CausedBy,
  ) {
    super(`${option}: ${problem}`, options);
  }
}

/** Error if the store is unavailable. The sender receives a 503, and the message may or may not have been stored. */
export class StoreUnavailableError extends OwnError {
  protected static override readonly className = 'StoreUnavailableError';
  readonly code = 'RUNHOOKS_STORE_UNAVAILABLE';
  readonly [storeUnavailable] = true;
}

/** Error of an attempt whose handler exceeded its `timeoutMs`. */
export class HandlerTimeoutError extends OwnError {
  protected static override readonly className = 'HandlerTimeoutError';
  readonly code = 'RUNHOOKS_HANDLER_TIMEOUT';

  constructor(handlerId: string, timeoutMs: number) {
    super(`handler "${handlerId}" did not finish within its timeoutMs of ${timeoutMs} ms`);
  }
}

/** Abort reason of `delivery.signal` at shutdown. */
export class ShutdownError extends OwnError {
  protected static override readonly className = 'ShutdownError';
  readonly code = 'RUNHOOKS_SHUTDOWN';

  constructor() {
    super('the app is shutting down; this delivery will be retried after the restart');
  }
}

/** Abort reason of `delivery.signal` if another process has claimed the delivery. */
export class LeaseLostError extends OwnError {
  protected static override readonly className = 'LeaseLostError';
  readonly code = 'RUNHOOKS_LEASE_LOST';

  constructor(deliveryId: string) {
    super(`delivery ${deliveryId} was claimed by another process, because its lease was not renewed in time`);
  }
}

/**
 * Error for handlers to throw if a retry cannot help. The delivery becomes a dead letter at once.
 *
 * @example
 * if (response.status === 404) throw new PermanentError('the channel does not exist');
 */
export class PermanentError extends RunhooksError {
  protected static override readonly className = 'PermanentError';
  readonly code = 'RUNHOOKS_PERMANENT';
  readonly [permanent] = true;
}

/**
 * Error for handlers to throw if the delivery must be retried after `delayMs` milliseconds.
 *
 * @example
 * if (response.status === 429) throw new RetryLater(60_000);
 */
export class RetryLater extends RunhooksError {
  protected static override readonly className = 'RetryLater';
  readonly code = 'RUNHOOKS_RETRY_LATER';
  readonly [retryLater] = true;

  constructor(
    readonly delayMs: number,
    message = `the handler requested a retry in ${delayMs} ms`,
    options?: CausedBy,
  ) {
    super(message, options);
  }
}

/** Returns whether a thrown value is a {@link RunhooksError}, including one of another copy of this package. */
export function isRunhooksError(thrown: unknown): thrown is RunhooksError {
  return carries(runhooks, thrown);
}

/** Returns whether a thrown value is a {@link ConfigurationError}, including one of another copy of this package. */
export function isConfigurationError(thrown: unknown): thrown is ConfigurationError {
  return carries(configuration, thrown);
}

/** Returns whether a thrown value is a {@link StoreUnavailableError}, including one of another copy of this package. */
export function isStoreUnavailableError(thrown: unknown): thrown is StoreUnavailableError {
  return carries(storeUnavailable, thrown);
}

/** Returns whether a thrown value is a {@link PermanentError}, including one of another copy of this package. */
export function isPermanentError(thrown: unknown): thrown is PermanentError {
  return carries(permanent, thrown);
}

/** Returns whether a thrown value is a {@link RetryLater}, including one of another copy of this package. */
export function isRetryLater(thrown: unknown): thrown is RetryLater {
  return carries(retryLater, thrown);
}

/** Returns whether a thrown value has a brand. Handlers can throw any value, even a revoked proxy, which throws at every access. */
export function carries(brand: symbol, thrown: unknown): boolean {
  try {
    return typeof thrown === 'object' && thrown !== null && brand in thrown;
  } catch {
    return false;
  }
}
