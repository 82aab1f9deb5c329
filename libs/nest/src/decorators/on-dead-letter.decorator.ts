import type { DeadLetterEvent, ProviderName } from 'nestjs-runhooks/core';
import { requireOptions } from './decorator-call.js';
import { subscribe, type HandlerDecorator, type HandlerDecoratorOptions } from './handler.decorator.js';

/**
 * Runs the method when a delivery has become a dead letter: filters look at the event that could not be handled. It is
 * a handler like any other, stored and retried; its own dead letters are only logged.
 */
export function OnDeadLetter<const P extends ProviderName = ProviderName>(
  options: HandlerDecoratorOptions<DeadLetterEvent<P>, P> = {},
): HandlerDecorator<DeadLetterEvent<P>> {
  requireOptions('OnDeadLetter', options, arguments.length);
  return subscribe({ types: ['delivery.dead'] }, options);
}
