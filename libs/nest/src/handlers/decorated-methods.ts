import 'reflect-metadata';
import type { HandlerMetadata } from '../decorators/handler-metadata.js';
import { HANDLER_METADATA } from '../webhooks.tokens.js';

/** A decorated method of a class. */
export interface DecoratedMethod {
  readonly method: string | symbol;
  readonly metadata: readonly HandlerMetadata[];
}

/**
 * Returns the decorated methods of a class, inherited ones included. An undecorated method that overrides a decorated one
 * is not a handler. Calls no getter, because it reads only names.
 */
export function decoratedMethodsOf(prototype: object): DecoratedMethod[] {
  const methods = new Map<string | symbol, DecoratedMethod | undefined>();
  for (let owner: object | null = prototype; owner !== null; owner = Object.getPrototypeOf(owner) as object | null) {
    for (const method of Reflect.ownKeys(owner)) {
      if (methods.has(method)) continue;
      const metadata = Reflect.getOwnMetadata(HANDLER_METADATA, owner, method) as HandlerMetadata[] | undefined;
      methods.set(method, metadata && { method, metadata });
    }
  }
  return [...methods.values()].filter((method) => method !== undefined);
}
