import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { LIMITS } from './limits.js';
import { isRecord, LIST_CHECK, type PayloadClass } from './payload-fields.js';

/** A payload of the class it was checked against, or what is wrong with it. */
export type PayloadCheck<T> =
  { readonly ok: true; readonly payload: T } | { readonly ok: false; readonly reason: string };

/**
 * Checks a parsed body against a class and makes an instance of it. Every field the class declares needs one of the
 * field decorators (`@IdField()`, `@TextField()`, `@ObjectField(…)` …), and `@IsOptional()` of class-validator where
 * it may be absent or null. Fields that are not declared are kept as they are. Never throws; the reason names at most
 * `LIMITS.violationsMax` paths with what was expected and what kind of value was found, never the value.
 */
export function validatePayload<T extends object>(dto: PayloadClass<T>, value: unknown): PayloadCheck<T> {
  if (!isRecord(value)) return { ok: false, reason: `the payload: expected an object, found ${kindOf(value)}` };
  // Only declared fields are transformed: class-transformer would drop some of the others (`toString`) and run others
  // (`constructor`).
  const payload = plainToInstance(dto, value, { excludeExtraneousValues: true, exposeUnsetFields: false });
  // A field that fails its own check is not looked into.
  const violations = violationsOf(validateSync(payload, { stopAtFirstError: true }));
  const shown = [...take(violations, LIMITS.violationsMax + 1)];
  if (shown.length === 0) {
    keepUndeclared(payload, value);
    return { ok: true, payload };
  }
  if (shown.length > LIMITS.violationsMax) shown[LIMITS.violationsMax] = 'and more';
  return { ok: false, reason: shown.join('; ') };
}

function keepUndeclared(payload: object, given: object): void {
  for (const [key, value] of Object.entries(given) as [string, unknown][]) {
    const declared = Object.getOwnPropertyDescriptor(payload, key);
    if (!declared) {
      // Not by assignment, which would set the prototype where the key is `__proto__`.
      Object.defineProperty(payload, key, { value, configurable: true, enumerable: true, writable: true });
    } else if (typeof declared.value === 'object' && typeof value === 'object' && value && declared.value !== value) {
      keepUndeclared(declared.value as object, value);
    }
  }
}

function* violationsOf(errors: readonly ValidationError[], parent = ''): Generator<string> {
  for (const { property, value, constraints, children } of errors) {
    const path = /^\d+$/.test(property) ? `${parent}[${property}]` : parent ? `${parent}.${property}` : property;
    const [[name, expected] = []] = Object.entries(constraints ?? {});
    const item = name === LIST_CHECK ? oddItem(value) : -1;
    if (item >= 0) yield violation(`${path}[${item}]`, 'an object', (value as unknown[])[item]);
    else if (expected !== undefined) yield violation(path, expected, value);
    yield* violationsOf(children ?? [], path);
  }
}

function violation(path: string, expected: string, value: unknown): string {
  return `${path}: expected ${expected}, found ${kindOf(value)}`;
}

/** Position of the first item of a list that is no object; -1 if the fault is the list's own. */
function oddItem(value: unknown): number {
  if (!Array.isArray(value) || value.length > LIMITS.arrayItemsMax) return -1;
  return value.findIndex((item) => !isRecord(item));
}

/** The kind of a value, and its size where that helps; never the value. */
function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (value === '') return 'an empty text';
  if (typeof value === 'string') return `a text of ${value.length} characters`;
  if (typeof value === 'number') return Number.isInteger(value) ? 'a whole number' : 'a number with a fraction';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'boolean' ? 'a boolean' : 'an object';
}

function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  let taken = 0;
  for (const item of items) {
    if (taken++ >= count) return;
    yield item;
  }
}
