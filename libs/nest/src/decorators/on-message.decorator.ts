import type { MessageEvent, ProviderMessageType, ProviderName } from 'nestjs-runhooks/core';
import { requireName, requireOptions } from './decorator-call.js';
import { subscribe, type HandlerDecorator, type HandlerDecoratorOptions } from './handler.decorator.js';

type Options<P extends ProviderName, M extends ProviderMessageType<P>> = Omit<
  HandlerDecoratorOptions<MessageEvent<P, M>, P>,
  'provider'
>;

/**
 * Runs the method for a provider's own messages of one type, once per message, and not once per fact as the `@OnRun…`
 * decorators do. Test messages never get here.
 */
export function OnMessage<const P extends ProviderName, const M extends ProviderMessageType<P>>(
  provider: P,
  type: M,
  options: Options<P, M> = {},
): HandlerDecorator<MessageEvent<P, M>> {
  requireName('OnMessage', 'provider', provider);
  requireName('OnMessage', 'type', type);
  requireOptions('OnMessage', options, arguments.length - 2);
  const { when, ...rest } = options;
  return subscribe<MessageEvent<P, M>, P>({ provider, messageType: type }, { ...rest, ...(when && { when }) });
}
