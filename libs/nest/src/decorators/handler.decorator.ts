import 'reflect-metadata';
import { ConfigurationError, type ProviderName } from 'nestjs-runhooks/core';
import {
  requireOneCopy,
  type DeliveryContext,
  type EventFilter,
  type HandlerOptions,
  type Subscription,
} from 'nestjs-runhooks/internal';
import type { HandlerMetadata } from './handler-metadata.js';
import { HANDLER_METADATA } from '../webhooks.tokens.js';

/** Target of a handler decorator. For other targets, the compiler's error contains the text. */
type HandlerTarget = object & { readonly prototype?: 'a handler is a method of an instance: this one is static' };

/**
 * Method decorator that compiles only on a method that accepts every `Event` of the decorator.
 */
export type HandlerDecorator<Event> = <Method extends (event: Event, delivery: DeliveryContext) => unknown>(
  target: HandlerTarget,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

/** Filters and options of a handler. An event must match every filter that is set. */
export interface HandlerDecoratorOptions<Event, P extends ProviderName> extends EventFilter, HandlerOptions {
  /** Only events of these providers. It also narrows the type of the event. */
  readonly provider?: P | readonly [P, ...P[]];
  /**
   * Predicate on the event, for example `(event) => event.run.environment?.name === 'Production'`. It runs in the attempt:
   * if it returns `false`, the delivery is recorded as skipped, and if it throws, the delivery is retried.
   */
  // NoInfer, because a narrow parameter would narrow the type of the event without filtering.
  readonly when?: (event: NoInfer<Event>) => boolean | Promise<boolean>;
}

/**
 * Adds a subscription to a method; stacked decorators add up. The metadata belongs to the class and the method's name,
 * because other decorators may replace the function.
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

/** Checks the target at run time, for JavaScript and for accessors. The compiler rejects most wrong targets. */
function requireMethod(
  target: object,
  key: string | symbol | object | undefined,
  descriptor?: { readonly value?: unknown },
): void {
  // The second argument of a standard decorator is its context.
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
    throw new ConfigurationError(owner, 'expected a handler decorator on a method of the class, got one on the class');
  }
  throw new ConfigurationError(
    `${owner}.${String(key)}`,
    `expected a handler decorator on an instance method, got one on a ${isStatic ? 'static member' : 'property or accessor'}`,
  );
}
