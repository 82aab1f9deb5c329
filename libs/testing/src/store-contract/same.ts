import { deepEqual } from 'node:assert/strict';
import { isDate, isMap } from 'node:util/types';

/**
 * Asserts strict deep equality without comparing prototypes. A test runner such as Jest has other prototypes than the
 * drivers of a store, so two arrays of the same strings would not be strictly equal.
 */
export function same(actual: unknown, expected: unknown): void {
  deepEqual(ofThisRealm(actual), ofThisRealm(expected));
}

function ofThisRealm(value: unknown): unknown {
  if (Array.isArray(value)) return Array.from(value, ofThisRealm);
  if (isMap(value)) return ofThisRealm([...value].sort(([one], [other]) => (String(one) < String(other) ? -1 : 1)));
  if (isDate(value)) return new Date(value.getTime());
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, ofThisRealm(field)]));
}
