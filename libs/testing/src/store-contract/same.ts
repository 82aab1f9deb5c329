import { deepEqual } from 'node:assert/strict';
import { isDate } from 'node:util/types';

/**
 * Strict deep equality, but for prototypes: a test runner may give its tests other ones than the drivers of a store have
 * (Jest does), and then two lists of the same texts are not strictly equal.
 */
export function same(actual: unknown, expected: unknown): void {
  deepEqual(ofThisRealm(actual), ofThisRealm(expected));
}

function ofThisRealm(value: unknown): unknown {
  if (Array.isArray(value)) return Array.from(value, ofThisRealm);
  if (isDate(value)) return new Date(value.getTime());
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, ofThisRealm(field)]));
}
