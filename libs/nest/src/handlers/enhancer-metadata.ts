import 'reflect-metadata';
import { ConfigurationError } from 'nestjs-runhooks/core';
import type { HostModule } from '../provider-wrapper.js';

const FILTERS = '__exceptionFilters__';

/** Nest's metadata key of each kind of enhancer, and the method that it must have. */
const KINDS = [
  { key: '__guards__', noun: 'guard', method: 'canActivate' },
  { key: '__interceptors__', noun: 'interceptor', method: 'intercept' },
  { key: '__pipes__', noun: 'pipe', method: 'transform' },
  { key: FILTERS, noun: 'exception filter', method: 'catch' },
] as const;

/**
 * Throws {@link ConfigurationError} if Nest has not created an enhancer that is bound to a handler as a class. Nest ignores
 * the enhancers of a class behind `useFactory` or `useValue`, and would run the handler without them.
 */
export function requireEnhancers(handler: string, host: HostModule, classRef: object, method: unknown): void {
  for (const { key, noun, method: runs } of KINDS) {
    for (const enhancer of [...boundTo(classRef, key), ...boundTo(method, key)]) {
      if (typeof enhancer !== 'function' || host.injectables.has(enhancer) || runs in enhancer) continue;
      throw new ConfigurationError(
        handler,
        `its ${noun} ${enhancer.name} would be skipped, because Nest creates enhancers only for classes, and this one ` +
          `is provided by a factory or as a value. Provide the class itself, or bind an instance: new ${enhancer.name}(…)`,
      );
    }
  }
}

/** Whether an exception filter is bound to a handler's class or method. */
export function hasFilters(classRef: unknown, method: unknown): boolean {
  return boundTo(classRef, FILTERS).length > 0 || boundTo(method, FILTERS).length > 0;
}

/** Copies all metadata of a function to another, so that Nest finds the same enhancers. */
export function copyMetadata(from: object, to: object): void {
  for (const key of Reflect.getMetadataKeys(from) as string[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, from), to);
  }
}

function boundTo(target: unknown, key: string): readonly unknown[] {
  if (typeof target !== 'function') return [];
  return (Reflect.getMetadata(key, target) as readonly unknown[] | undefined) ?? [];
}
