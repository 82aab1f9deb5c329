import { defined } from '../defined.js';
import { ConfigurationError } from '../errors.js';
import type { WebhookEvent } from '../events/event.js';
import {
  MESSAGE_EVENT_TYPE,
  NODE_FAILED_EVENT_TYPE,
  RUN_STUCK_EVENT_TYPE,
  RUNS_JOINED_EVENT_TYPE,
} from '../events/event.js';
import { LIMITS } from '../limits.js';
import { requireKnownOptions, requireInteger } from '../option-checks.js';
import { matchesFilter, matchesNode, type Routable } from './filter.js';
import { DEFAULT_RETRY, type RetryOptions, type RetryPolicy } from './retry-policy.js';
import type { SubscribedTo, Subscription } from './subscription.js';

/** The delivery that a handler runs for. */
export interface DeliveryContext {
  /** Id of the delivery, the same for all attempts. Use it as an idempotency key. */
  readonly id: string;
  readonly handlerId: string;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  readonly eventId: string;
  /** Message that reported the event. Absent if the event follows from no message. */
  readonly messageId?: string;
  /** Whether a replay created this delivery. */
  readonly isReplay: boolean;
  /** Aborted when the handler exceeds `timeoutMs` or the app shuts down. Pass it to fetch and other I/O. */
  readonly signal: AbortSignal;
  /**
   * Writes an effect and the success of this delivery in one transaction of the inbox's Postgres database. Either both
   * are committed or neither is, so the effect happens exactly once. If `work` rejects, nothing is written, and the
   * attempt fails. Make it the handler's last step, because later steps are not retried.
   *
   * @throws {ConfigurationError} if the inbox is not in Postgres.
   * @throws {LeaseLostError} if another process has claimed the delivery.
   *
   * @example
   * await delivery.completeWith((tx) => tx.query('insert into pages (id) values ($1)', [delivery.eventId]));
   */
  completeWith(work: (tx: InboxTransaction) => Promise<unknown>): Promise<void>;
}

/** Options for running a handler. */
export interface HandlerOptions {
  /**
   * Stable id, which is stored with every delivery. Set it: the default changes when you rename the class or method.
   * @default `<class>.<method>`
   */
  readonly id?: string;
  /** Retries of a failed delivery; `false` for none. */
  readonly retry?: RetryOptions | false;
  /** Timeout of an attempt, in milliseconds. Then `delivery.signal` is aborted, and the attempt fails. @default 300000 */
  readonly timeoutMs?: number;
  /** Attempts of this handler that can run at the same time in one process. @default `concurrency` of the module */
  readonly concurrency?: number;
  /**
   * Runs the deliveries of a run or of a job one at a time, in the order in which they were recorded. A delivery waits
   * until the earlier one has finished, including its retries.
   * @default none
   */
  readonly serialize?: 'run' | 'job';
}

/** A handler with its resolved options. */
export interface Handler {
  readonly id: string;
  /** Class and method, for logs and errors: `OnCall.page`. */
  readonly label: string;
  readonly subscriptions: readonly Subscription[];
  readonly retry: RetryPolicy;
  readonly timeoutMs: number;
  /** Attempts at the same time; `undefined` if only the module's `concurrency` limits them. */
  readonly concurrency?: number;
  readonly serialize?: 'run' | 'job';
  /** @param claim the claim of the delivery, with which only handlers of the core write */
  invoke(event: WebhookEvent, delivery: DeliveryContext, claim: HandlerClaim): Promise<void>;
}

/** Claim of the delivery that a handler runs for. */
export interface HandlerClaim {
  /** Id of the delivery. */
  readonly id: string;
  /** Token of the claim. */
  readonly lease: string;
  /** Time since which the delivery waits. Absent if its last attempt has not found that it must wait. */
  readonly waitingSince?: Date;
}

/** Default ids consist of identifiers, and minifiers use `$`. */
const HANDLER_ID = /^[A-Za-z0-9_$.:-]+$/;

/** Beginning of the ids of the core's own handlers. */
export const OWN_HANDLER_PREFIX = 'runhooks.';

/**
 * Returns the options with their defaults.
 *
 * @throws {ConfigurationError} if an option is invalid. It names the handler and the option.
 */
export function resolveHandlerOptions(
  label: string,
  options: HandlerOptions,
): Pick<Handler, 'id' | 'retry' | 'timeoutMs' | 'concurrency' | 'serialize'> {
  const { id = label, timeoutMs = LIMITS.handlerTimeoutMs, concurrency, serialize } = options;
  if (typeof id !== 'string' || !HANDLER_ID.test(id) || id.length > LIMITS.handlerIdCharsMax) {
    throw new ConfigurationError(
      `${label}.id`,
      `expected 1 to ${LIMITS.handlerIdCharsMax} letters, digits, "_", "$", ".", ":" or "-", got ${JSON.stringify(id)}`,
    );
  }
  if (id.startsWith(OWN_HANDLER_PREFIX)) {
    throw new ConfigurationError(
      `${label}.id`,
      `expected an id that does not begin with "${OWN_HANDLER_PREFIX}", which Runhooks uses itself, got ${JSON.stringify(id)}`,
    );
  }
  const given = options.retry ?? {};
  if (given !== false) requireKnownOptions(`${label}.retry`, given, DEFAULT_RETRY);
  const retry: RetryPolicy = { ...DEFAULT_RETRY, ...(given === false ? { attemptsMax: 1 } : given) };
  requireInteger(`${label}.retry.attemptsMax`, retry.attemptsMax, 1, Number.MAX_SAFE_INTEGER);
  requireInteger(`${label}.retry.delayMs`, retry.delayMs, 0, LIMITS.dueAheadMsMax);
  requireInteger(`${label}.retry.delayMsMax`, retry.delayMsMax, 0, LIMITS.dueAheadMsMax);
  requireInteger(`${label}.timeoutMs`, timeoutMs, 1, LIMITS.timerMsMax);
  if (concurrency !== undefined) requireInteger(`${label}.concurrency`, concurrency, 1, Number.MAX_SAFE_INTEGER);
  if (serialize !== undefined && serialize !== 'run' && serialize !== 'job') {
    throw new ConfigurationError(`${label}.serialize`, `expected 'run' or 'job', got ${JSON.stringify(serialize)}`);
  }
  return {
    id,
    retry,
    timeoutMs,
    ...defined({ concurrency, serialize }),
  };
}

/** Returns whether a subscription matches an event, before `when` runs. */
export function wants(subscription: Subscription, event: Routable): boolean {
  const { on, filter, nodes = {}, includeLate = false, includeIsolated = false } = subscription;
  if (event.type === 'run.started' && event.late && !includeLate) return false;
  if (event.type === NODE_FAILED_EVENT_TYPE && event.isolated && !includeIsolated) return false;
  if (!matchesNode(nodes, event.node)) return false;
  if (!isOfType(on, event)) return false;
  // Each of its runs has matched the filter; the event itself has no run.
  return event.type === RUNS_JOINED_EVENT_TYPE || matchesFilter(filter, event);
}

/** Returns whether an event has a subscribed type, without looking at filters. */
export function isOfType(on: SubscribedTo, { type, provider, messageType }: Routable): boolean {
  if ('types' in on) return (on.types as readonly string[]).includes(type);
  if ('stuck' in on) return type === RUN_STUCK_EVENT_TYPE;
  if ('barrier' in on) return type === RUNS_JOINED_EVENT_TYPE;
  if (type !== MESSAGE_EVENT_TYPE || on.provider !== provider) return false;
  return on.messageType === undefined || on.messageType === messageType;
}

/** A transaction of the inbox's database, in which a handler can write. */
export interface InboxTransaction {
  /** Runs one statement with `values` for `$1` and so on. Rejects with the driver's error. */
  query<Row = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: Row[]; readonly rowCount: number }>;
}
