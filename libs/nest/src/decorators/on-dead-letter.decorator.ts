import type { ProviderName } from 'nestjs-runhooks/core';
import type { DeadLetterEvent } from 'nestjs-runhooks/internal';
import { requireOptions } from './decorator-call.js';
import { subscribe, type HandlerDecorator, type HandlerDecoratorOptions } from './handler.decorator.js';

/**
 * Runs the method when a delivery has become a dead letter. Filters apply to the event that could not be handled. The
 * method is a handler like any other, with retries; its own dead letters are only logged.
 *
 * ```ts
 * @OnDeadLetter({ id: 'on-call.dead-letters' })
 * report({ deadLetter }: DeadLetterEvent): Promise<void> {}
 * ```
 */
export function OnDeadLetter<const P extends ProviderName = ProviderName>(
  options: HandlerDecoratorOptions<DeadLetterEvent<P>, P> = {},
): HandlerDecorator<DeadLetterEvent<P>> {
  requireOptions('OnDeadLetter', options, arguments.length);
  return subscribe({ types: ['delivery.dead'] }, options);
}
