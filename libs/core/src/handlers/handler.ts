import { ConfigurationError } from '../errors.js';
import type { WebhookEvent } from '../events/event.js';
import { MESSAGE_EVENT_TYPE, RUN_STUCK_EVENT_TYPE, RUNS_JOINED_EVENT_TYPE } from '../events/event.js';
import { LIMITS } from '../limits.js';
import { requireKnownOptions, requireWhole } from '../option-checks.js';
import { matchesFilter, type Routable } from './filter.js';
import { DEFAULT_RETRY, type RetryOptions, type RetryPolicy } from './retry-policy.js';
import type { SubscribedTo, Subscription } from './subscription.js';

/** What a handler is told about the delivery it is running. */
export interface DeliveryContext {
  /** The same over all attempts: use it as an idempotency key. */
  readonly id: string;
  readonly handlerId: string;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  readonly eventId: string;
  readonly messageId: string;
  /** True if this delivery was asked for by a replay, and not by the event's arrival. */
  readonly isReplay: boolean;
  /** Aborted when the handler's time is up or the app shuts down. Pass it on to fetch and the like. */
  readonly signal: AbortSignal;
  /**
   * Writes an effect and the success of this delivery in one transaction of the inbox's Postgres database: both are
   * there or neither, so the effect happens exactly once. If `work` rejects, nothing is written and the attempt has
   * failed. Let it be the handler's last step: what comes after it is not tried again. Rejects with `ConfigurationError` if the inbox is not in
   * Postgres, with `LeaseLostError` if another process has the delivery by now.
   */
  completeWith(work: (tx: InboxTransaction) => Promise<unknown>): Promise<void>;
}

/** How a handler is run. */
export interface HandlerOptions {
  /**
   * Stable id, stored with every delivery. Recommended: without it a renamed class or method is another handler.
   * @default `<class>.<method>`
   */
  readonly id?: string;
  /** When a failed delivery is attempted again; `false` for never. */
  readonly retry?: RetryOptions | false;
  /** After this many milliseconds `delivery.signal` is aborted and the attempt counts as failed. @default 300000 */
  readonly timeoutMs?: number;
  /** Attempts of this handler that may run at the same time in one process. @default the dispatcher's `concurrency` */
  readonly concurrency?: number;
  /**
   * `run` or `job`: deliveries of one run, or of one job, to this handler never overlap, and keep the order in which
   * they were recorded: a later one waits until the earlier one is settled, retries included.
   */
  readonly serialize?: 'run' | 'job';
}

/** A handler as the dispatcher runs it. */
export interface Handler {
  readonly id: string;
  /** Where it is in the code, for logs and errors: `OnCall.page`. */
  readonly label: string;
  readonly subscriptions: readonly Subscription[];
  readonly retry: RetryPolicy;
  readonly timeoutMs: number;
  /** Nothing: bounded by the dispatcher alone. */
  readonly concurrency?: number;
  readonly serialize?: 'run' | 'job';
  invoke(event: WebhookEvent, delivery: DeliveryContext): Promise<void>;
}

/** Default ids are made of identifiers, and minifiers like `$`. */
const HANDLER_ID = /^[A-Za-z0-9_$.:-]+$/;

/** Checks options and fills in defaults. Throws {@link ConfigurationError} naming the handler and the option. */
export function resolveHandlerOptions(
  label: string,
  options: HandlerOptions,
): Pick<Handler, 'id' | 'retry' | 'timeoutMs' | 'concurrency' | 'serialize'> {
  const { id = label, timeoutMs = LIMITS.handlerTimeoutMs, concurrency, serialize } = options;
  if (typeof id !== 'string' || !HANDLER_ID.test(id) || id.length > LIMITS.handlerIdCharsMax) {
    throw new ConfigurationError(
      `${label}.id`,
      `found ${JSON.stringify(id)}; expected 1 to ${LIMITS.handlerIdCharsMax} letters, digits, "_", "$", ".", ":" or "-"`,
    );
  }
  const given = options.retry ?? {};
  if (given !== false) requireKnownOptions(`${label}.retry`, given, DEFAULT_RETRY);
  const retry: RetryPolicy = { ...DEFAULT_RETRY, ...(given === false ? { attemptsMax: 1 } : given) };
  requireWhole(`${label}.retry.attemptsMax`, retry.attemptsMax, 1, Number.MAX_SAFE_INTEGER);
  requireWhole(`${label}.retry.delayMs`, retry.delayMs, 0, LIMITS.dueAheadMsMax);
  requireWhole(`${label}.retry.delayMsMax`, retry.delayMsMax, 0, LIMITS.dueAheadMsMax);
  requireWhole(`${label}.timeoutMs`, timeoutMs, 1, LIMITS.timerMsMax);
  if (concurrency !== undefined) requireWhole(`${label}.concurrency`, concurrency, 1, Number.MAX_SAFE_INTEGER);
  if (serialize !== undefined && serialize !== 'run' && serialize !== 'job') {
    throw new ConfigurationError(`${label}.serialize`, `found ${JSON.stringify(serialize)}; expected 'run' or 'job'`);
  }
  return {
    id,
    retry,
    timeoutMs,
    ...(concurrency !== undefined && { concurrency }),
    ...(serialize && { serialize }),
  };
}

/** Whether a subscription wants an event, as far as can be told without running user code. */
export function wants(subscription: Subscription, event: Routable): boolean {
  const { on, filter, includeLate = false } = subscription;
  if (event.type === 'run.started' && event.late && !includeLate) return false;
  if (!isOfType(on, event)) return false;
  // Each of its runs fitted the filter; the event itself is about none of them.
  return event.type === RUNS_JOINED_EVENT_TYPE || matchesFilter(filter, event);
}

/** Whether an event is of a kind that was asked for, whatever the filters say. */
export function isOfType(on: SubscribedTo, { type, provider, messageType }: Routable): boolean {
  if ('types' in on) return (on.types as readonly string[]).includes(type);
  if ('stuck' in on) return type === RUN_STUCK_EVENT_TYPE;
  if ('barrier' in on) return type === RUNS_JOINED_EVENT_TYPE;
  if (type !== MESSAGE_EVENT_TYPE || on.provider !== provider) return false;
  return on.messageType === undefined || on.messageType === messageType;
}

/** A transaction of the inbox's own database, for what a handler writes there. */
export interface InboxTransaction {
  /** Runs one statement; `$1` and so on stand for `values`. Rejects with the driver's error. */
  query<Row = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: Row[]; readonly rowCount: number }>;
}
