import 'reflect-metadata';
import type {
  DeliveryContext,
  EventFilter,
  HandlerOptions,
  OneOrMore,
  ProviderName,
  Subscription,
} from 'nestjs-runhooks/core';
import type { HandlerMetadata } from './handler-metadata.js';
import { HANDLER_METADATA } from './webhooks.tokens.js';

/**
 * A method decorator that checks the method: it compiles only over a method that can be given every `Event` the
 * decorator promises.
 */
export type HandlerDecorator<Event> = <Method extends (event: Event, delivery: DeliveryContext) => unknown>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

/** Which events a handler wants, and how it is run. Every filter given must fit. */
export interface HandlerDecoratorOptions<Event, P extends ProviderName> extends EventFilter, HandlerOptions {
  /** Narrows the type of the event, too. */
  readonly provider?: OneOrMore<P>;
  /**
   * Decides by code. Runs in the attempt: if it throws, the delivery is retried; if it answers false, the delivery is
   * recorded as skipped.
   */
  readonly when?: (event: Event) => boolean | Promise<boolean>;
}

/** Adds a subscription to a method. Appends, because stacked decorators add up. */
export function subscribe<Event, P extends ProviderName>(
  on: Subscription['on'],
  options: HandlerDecoratorOptions<Event, P>,
): HandlerDecorator<Event> {
  const { id, retry, timeoutMs, concurrency, when, ...filter } = options;
  const metadata: HandlerMetadata = {
    subscription: { on, filter, ...(when && { when }) },
    options: {
      ...(id !== undefined && { id }),
      ...(retry !== undefined && { retry }),
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(concurrency !== undefined && { concurrency }),
    },
  };
  return (_target, _key, descriptor) => {
    const method = descriptor.value as object;
    const earlier = (Reflect.getOwnMetadata(HANDLER_METADATA, method) ?? []) as HandlerMetadata[];
    Reflect.defineMetadata(HANDLER_METADATA, [...earlier, metadata], method);
  };
}
