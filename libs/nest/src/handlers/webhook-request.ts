import type { DeliveryContext, WebhookEvent } from 'nestjs-runhooks/internal';

/**
 * Value of `REQUEST` in request-scoped handlers and their dependencies:
 *
 * ```ts
 * constructor(@Inject(REQUEST) private readonly request: WebhookRequest) {}
 * ```
 */
export interface WebhookRequest {
  readonly event: WebhookEvent;
  readonly delivery: DeliveryContext;
}
