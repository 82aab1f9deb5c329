import type { ArgumentsHost } from '@nestjs/common';
import type { DeliveryContext, WebhookEvent } from 'nestjs-runhooks/core';

/** What Nest calls the context in which the enhancers of handlers run: `host.getType()`. */
export const WEBHOOK_CONTEXT_TYPE = 'webhook';

/** What guards, interceptors and exception filters are given when they run for a handler. */
export interface WebhookArgumentsHost extends ArgumentsHost {
  /** What the handler is given: the event and its delivery. */
  getArgs(): [event: WebhookEvent, delivery: DeliveryContext];
  getArgs<T extends unknown[]>(): T;
}

/**
 * Whether a guard, interceptor or exception filter is running for a handler, and not for a route of the app:
 *
 * ```ts
 * if (!isWebhookContext(context)) return next.handle();
 * const [event, delivery] = context.getArgs();
 * ```
 */
export function isWebhookContext<Host extends ArgumentsHost>(host: Host): host is WebhookArgumentsHost & Host {
  return host.getType<string>() === WEBHOOK_CONTEXT_TYPE;
}
