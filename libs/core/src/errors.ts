import { oneLine } from './one-line.js';

/** Errors are told by these marks and not by `instanceof`: the process may have two copies of this package. */
const runhooks = Symbol.for('nestjs-runhooks:error');
const configuration = Symbol.for('nestjs-runhooks:configuration-error');
const storeUnavailable = Symbol.for('nestjs-runhooks:store-unavailable-error');
const permanent = Symbol.for('nestjs-runhooks:permanent-error');
const retryLater = Symbol.for('nestjs-runhooks:retry-later');

/** The `ErrorOptions` of `lib: es2022`, for programs that have an older `lib`. */
interface CausedBy {
  readonly cause?: unknown;
}

/**
 * Base of every error Runhooks throws. `code` is a literal to switch on; `message` says what was found, what was
 * expected and what to do. Messages never hold secrets or payloads.
 */
export abstract class RunhooksError extends Error {
  /** The class's name as it is in the source: minifiers shorten that of the class itself. */
  protected static readonly className?: string;
  abstract readonly code: `RUNHOOKS_${string}`;
  readonly [runhooks] = true;

  constructor(message: string, options?: CausedBy) {
    super(message, options);
    // Not an inherited one: a subclass in a host's code has another name.
    const className = Object.hasOwn(new.target, 'className') ? new.target.className : undefined;
    this.name = className ?? new.target.name;
  }
}

/**
 * Base of the errors that Runhooks makes itself. Nest, or Node, prints those of a boot past our log. Paths, options and
 * texts of drivers are part of them, so their message is one printable line. What handlers throw is left as it is.
 */
export abstract class OwnError extends RunhooksError {
  constructor(message: string, options?: CausedBy) {
    super(oneLine(message), options);
  }
}

/** An option is wrong. Thrown at boot; `option` is its path, for example `dbtCloud({ name: 'dbt' }).secrets[0]`. */
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

/** The store cannot take work right now. For a sender this is a 503: it is unknown whether the message was stored. */
export class StoreUnavailableError extends OwnError {
  protected static override readonly className = 'StoreUnavailableError';
  readonly code = 'RUNHOOKS_STORE_UNAVAILABLE';
  readonly [storeUnavailable] = true;
}

/** An attempt was ended because the handler ran longer than its `timeoutMs`. */
export class HandlerTimeoutError extends OwnError {
  protected static override readonly className = 'HandlerTimeoutError';
  readonly code = 'RUNHOOKS_HANDLER_TIMEOUT';

  constructor(handlerId: string, timeoutMs: number) {
    super(`handler "${handlerId}" did not settle within its timeoutMs of ${timeoutMs} ms`);
  }
}

/** The process is shutting down: the reason running handlers find in `delivery.signal`. */
export class ShutdownError extends OwnError {
  protected static override readonly className = 'ShutdownError';
  readonly code = 'RUNHOOKS_SHUTDOWN';

  constructor() {
    super('the app is shutting down; this delivery will be attempted again after the restart');
  }
}

/** Another process holds the delivery now: the reason running handlers find in `delivery.signal`. */
export class LeaseLostError extends OwnError {
  protected static override readonly className = 'LeaseLostError';
  readonly code = 'RUNHOOKS_LEASE_LOST';

  constructor(deliveryId: string) {
    super(`delivery ${deliveryId} was taken over by another process, because its lease could not be renewed in time`);
  }
}

/** Thrown by a handler: trying again cannot help. The delivery becomes a dead letter at once. */
export class PermanentError extends RunhooksError {
  protected static override readonly className = 'PermanentError';
  readonly code = 'RUNHOOKS_PERMANENT';
  readonly [permanent] = true;
}

/** Thrown by a handler: try again, but not before `delayMs` have passed. */
export class RetryLater extends RunhooksError {
  protected static override readonly className = 'RetryLater';
  readonly code = 'RUNHOOKS_RETRY_LATER';
  readonly [retryLater] = true;

  constructor(
    readonly delayMs: number,
    message = `the handler asked to be run again in ${delayMs} ms`,
    options?: CausedBy,
  ) {
    super(message, options);
  }
}

/** Whether a thrown value is a {@link RunhooksError}, also one of another copy of this package. */
export function isRunhooksError(thrown: unknown): thrown is RunhooksError {
  return carries(runhooks, thrown);
}

/** Whether a thrown value is a {@link ConfigurationError}, also one of another copy of this package. */
export function isConfigurationError(thrown: unknown): thrown is ConfigurationError {
  return carries(configuration, thrown);
}

/** Whether a thrown value is a {@link StoreUnavailableError}, also one of another copy of this package. */
export function isStoreUnavailableError(thrown: unknown): thrown is StoreUnavailableError {
  return carries(storeUnavailable, thrown);
}

/** Whether a thrown value is a {@link PermanentError}, also one of another copy of this package. */
export function isPermanentError(thrown: unknown): thrown is PermanentError {
  return carries(permanent, thrown);
}

/** Whether a thrown value is a {@link RetryLater}, also one of another copy of this package. */
export function isRetryLater(thrown: unknown): thrown is RetryLater {
  return carries(retryLater, thrown);
}

/** Handlers may throw anything: a revoked proxy cannot even be asked. */
function carries(brand: symbol, thrown: unknown): boolean {
  try {
    return typeof thrown === 'object' && thrown !== null && brand in thrown;
  } catch {
    return false;
  }
}
