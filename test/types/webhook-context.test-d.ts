import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';
import { isWebhookContext, type DeliveryContext, type WebhookArgumentsHost, type WebhookEvent } from 'nestjs-runhooks';
import { expectSame } from './expect-type.js';

declare const host: ArgumentsHost;
declare const context: ExecutionContext;

// In a filter, the event and the delivery are typed.
if (isWebhookContext(host)) {
  const args = host.getArgs();
  expectSame<typeof args, [event: WebhookEvent, delivery: DeliveryContext]>();
  const taken: WebhookArgumentsHost = host;
  taken.switchToHttp();
} else {
  host.switchToHttp();
}

// In a guard or an interceptor, the context keeps its type.
if (isWebhookContext(context)) {
  const [event, delivery] = context.getArgs();
  expectSame<typeof event, WebhookEvent>();
  expectSame<typeof delivery, DeliveryContext>();
  context.getHandler();
  context.getClass();
} else {
  context.getHandler();
}
