import type { DeliveryContext, WebhookEvent } from 'nestjs-runhooks/core';

/** What request-scoped handlers and their dependencies are given when they inject `REQUEST`. */
export interface WebhookRequest {
  readonly event: WebhookEvent;
  readonly delivery: DeliveryContext;
}
