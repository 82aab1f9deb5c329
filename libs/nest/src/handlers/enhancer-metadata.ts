import 'reflect-metadata';
import { ConfigurationError } from 'nestjs-runhooks/core';
import type { HostModule } from '../provider-wrapper.js';

const FILTERS = '__exceptionFilters__';

/** Nest's metadata key of each kind of enhancer, and the method that makes it one. */
const KINDS = [
  { key: '__guards__', noun: 'guard', method: 'canActivate' },
  { key: '__interceptors__', noun: 'interceptor', method: 'intercept' },
  { key: '__pipes__', noun: 'pipe', method: 'transform' },
  { key: FILTERS, noun: 'exception filter', method: 'catch' },
] as const;

/**
 * Throws {@link ConfigurationError} for an enhancer that is bound to a handler as a class and that Nest did not make,
 * because it does not look at classes behind `useFactory` and `useValue`. Nest would run the handler without.
 */
export function requireEnhancers(handler: string, host: HostModule, classRef: object, method: unknown): void {
  for (const { key, noun, method: runs } of KINDS) {
    for (const enhancer of [...boundTo(classRef, key), ...boundTo(method, key)]) {
      if (typeof enhancer !== 'function' || host.injectables.has(enhancer) || runs in enhancer) continue;
      throw new ConfigurationError(
        handler,
        `its ${noun} ${enhancer.name} would be skipped, because Nest looks for enhancers of classes only, and this one ` +
          `is provided by a factory or as a value; provide the class itself, or bind an instance: new ${enhancer.name}(…)`,
      );
    }
  }
}

/** Whether an exception filter is bound to a handler, by its class or by itself. */
export function hasFilters(classRef: unknown, method: unknown): boolean {
  return boundTo(classRef, FILTERS).length > 0 || boundTo(method, FILTERS).length > 0;
}

/** Gives a function all the metadata of another, so that Nest sees the same enhancers bound to it. */
export function copyMetadata(from: object, to: object): void {
  for (const key of Reflect.getMetadataKeys(from) as string[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, from), to);
  }
}

function boundTo(target: unknown, key: string): readonly unknown[] {
  if (typeof target !== 'function') return [];
  return (Reflect.getMetadata(key, target) as readonly unknown[] | undefined) ?? [];
}
