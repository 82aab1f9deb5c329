import { types } from 'node:util';

/** Returns the kind of a value for errors, but no string, number or object itself, because it can be a secret. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null || typeof value === 'boolean') return String(value);
  if (value === '') return 'an empty string';
  if (Array.isArray(value)) return 'an array';
  if (types.isPromise(value)) return 'a Promise';
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
