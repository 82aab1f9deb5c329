import type { ReadOptions } from './handler-options.js';

/** Returns the name of a handler, which is also its default id. */
export function handlerName(prototype: object, method: string | symbol): string {
  const { name } = prototype.constructor;
  return typeof method === 'symbol' ? `${name}[${String(method)}]` : `${name}.${method}`;
}

/** Stacked decorators are one handler, unless they have several ids. */
export function groupById(name: string, decorators: readonly ReadOptions[]): Map<string, ReadOptions[]> {
  const ids = new Set(decorators.map(({ options }) => options.id).filter((id) => id !== undefined));
  const [onlyId] = ids;
  const fallback = ids.size === 1 && onlyId !== undefined ? onlyId : name;
  const groups = new Map<string, ReadOptions[]>();
  for (const one of decorators) {
    const id = one.options.id ?? fallback;
    groups.set(id, [...(groups.get(id) ?? []), one]);
  }
  return groups;
}
