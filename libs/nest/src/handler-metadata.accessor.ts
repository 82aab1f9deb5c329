import 'reflect-metadata';
import { Injectable } from '@nestjs/common';
import { MetadataScanner } from '@nestjs/core';
import type { HandlerMetadata } from './handler-metadata.js';
import { HANDLER_METADATA } from './webhooks.tokens.js';

/** A decorated method of a class. */
export interface DecoratedMethod {
  readonly method: string;
  readonly metadata: readonly HandlerMetadata[];
}

/** The only reader of what the decorators wrote. */
@Injectable()
export class HandlerMetadataAccessor {
  private readonly scanner = new MetadataScanner();

  /** The decorated methods of an object's class, inherited ones included. */
  methodsOf(prototype: object): DecoratedMethod[] {
    const methods: DecoratedMethod[] = [];
    for (const method of this.scanner.getAllMethodNames(prototype)) {
      const callback = (prototype as Record<string, object>)[method];
      const metadata = callback && (Reflect.getMetadata(HANDLER_METADATA, callback) as HandlerMetadata[] | undefined);
      if (metadata) methods.push({ method, metadata });
    }
    return methods;
  }
}
