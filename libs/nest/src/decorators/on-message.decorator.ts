import type { ProviderMessageType, ProviderName } from 'nestjs-runhooks/core';
import type { MessageEvent } from 'nestjs-runhooks/internal';
import { requireName, requireOptions } from './decorator-call.js';
import { subscribe, type HandlerDecorator, type HandlerDecoratorOptions } from './handler.decorator.js';

type Options<P extends ProviderName, M extends ProviderMessageType<P>> = Omit<
  HandlerDecoratorOptions<MessageEvent<P, M>, P>,
  'provider'
>;

/**
 * Runs the method once per message of one type of a provider. The `@OnRun…` decorators, in contrast, run once per fact
 * about a run. Test messages of a provider run no handlers.
 *
 * ```ts
 * @OnMessage('dbt-cloud', 'job.run.completed', { id: 'audit.log' })
 * log(event: MessageEvent<'dbt-cloud', 'job.run.completed'>): Promise<void> {}
 * ```
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
