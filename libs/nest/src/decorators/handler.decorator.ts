import 'reflect-metadata';
import {
  ConfigurationError,
  requireOneCopy,
  type DeliveryContext,
  type EventFilter,
  type HandlerOptions,
  type ProviderName,
  type Subscription,
} from 'nestjs-runhooks/core';
import type { HandlerMetadata } from './handler-metadata.js';
import { HANDLER_METADATA } from '../webhooks.tokens.js';

/** Where handlers can be: the compiler shows the text where it is not so. */
type HandlerTarget = object & { readonly prototype?: 'a handler is a method of an instance: this one is static' };

/**
 * A method decorator that checks the method: it compiles only over a method that can be given every `Event` the
 * decorator promises.
 */
export type HandlerDecorator<Event> = <Method extends (event: Event, delivery: DeliveryContext) => unknown>(
  target: HandlerTarget,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

/** Which events a handler wants, and how it is run. Every filter given must fit. */
export interface HandlerDecoratorOptions<Event, P extends ProviderName> extends EventFilter, HandlerOptions {
  /** Narrows the type of the event, too. */
  readonly provider?: P | readonly [P, ...P[]];
  /**
   * Decides by code. Runs in the attempt: if it throws, the delivery is retried; if it answers false, the delivery is
   * recorded as skipped.
   */
  // Not inferred from: a narrow parameter here would narrow the event, but filter nothing.
  readonly when?: (event: NoInfer<Event>) => boolean | Promise<boolean>;
}

/**
 * Adds a subscription to a method. Appends, because stacked decorators add up. Kept by class and name, not by function:
 * other decorators may replace the function.
 */
export function subscribe<Event, P extends ProviderName>(
  on: Subscription['on'],
  options: HandlerDecoratorOptions<Event, P>,
): HandlerDecorator<Event> {
  requireOneCopy();
  const metadata: HandlerMetadata = { on, options };
  return (target, key, descriptor) => {
    requireMethod(target, key, descriptor);
    const earlier = (Reflect.getOwnMetadata(HANDLER_METADATA, target, key) ?? []) as HandlerMetadata[];
    Reflect.defineMetadata(HANDLER_METADATA, [...earlier, metadata], target, key);
  };
}

/** The compiler refuses most of these already; JavaScript and accessors get here. */
function requireMethod(
  target: object,
  key: string | symbol | object | undefined,
  descriptor?: { readonly value?: unknown },
): void {
  // Standard decorators are given the method and a context.
  if (typeof key === 'object') {
    throw new ConfigurationError(
      'handler decorator',
      'expected decorators as Nest uses them, got standard ones. Set experimentalDecorators and emitDecoratorMetadata in tsconfig.json, or the legacy option of Babel or SWC',
    );
  }
  const isStatic = typeof target === 'function';
  if (!isStatic && typeof descriptor?.value === 'function') return;
  const owner = isStatic ? target.name : target.constructor.name;
  if (key === undefined) {
    throw new ConfigurationError(owner, 'found a handler decorator on a class; expected it on a method of the class');
  }
  throw new ConfigurationError(
    `${owner}.${String(key)}`,
    `found a handler decorator on a ${isStatic ? 'static member' : 'property or accessor'}; expected a method of the instance`,
  );
}
