import type { ArgumentsHost } from '@nestjs/common';
import type { DeliveryContext, WebhookEvent } from 'nestjs-runhooks/internal';

/** Nest's name of the context in which the enhancers of handlers run: the result of `host.getType()`. */
export const WEBHOOK_CONTEXT_TYPE = 'webhook';

/** Context of guards, interceptors and exception filters that run for a handler. */
export interface WebhookArgumentsHost extends ArgumentsHost {
  /** Returns the arguments of the handler. */
  getArgs(): [event: WebhookEvent, delivery: DeliveryContext];
  getArgs<T extends unknown[]>(): T;
}

/**
 * Whether a guard, interceptor or exception filter runs for a handler instead of a route of the app:
 *
 * ```ts
 * if (!isWebhookContext(context)) return next.handle();
 * const [event, delivery] = context.getArgs();
 * ```
 */
export function isWebhookContext<Host extends ArgumentsHost>(host: Host): host is WebhookArgumentsHost & Host {
  return host.getType<string>() === WEBHOOK_CONTEXT_TYPE;
}
