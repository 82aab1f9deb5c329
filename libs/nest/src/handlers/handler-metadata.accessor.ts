import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import type { HandlerMetadata } from '../decorators/handler-metadata.js';
import { HANDLER_METADATA } from '../webhooks.tokens.js';

/** A decorated method of a class. */
export interface DecoratedMethod {
  readonly method: string | symbol;
  readonly metadata: readonly HandlerMetadata[];
}

/** The only reader of what the decorators wrote. */
@Injectable()
export class HandlerMetadataAccessor {
  /**
   * The decorated methods of an object's class, inherited ones included. A method that overrides one without being
   * decorated itself is none. Looks at names alone: no getter is called.
   */
  methodsOf(prototype: object): DecoratedMethod[] {
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
}
