import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { Validator, type ValidationError } from 'class-validator';
import { jsonPath } from './json-path.js';
import { define } from './json-reader.js';
import { LIMITS } from '../limits.js';
import { isDeciding, isRecord, OddItem } from './payload-fields.js';
import { takeValid, type PayloadClass } from './payload-plan.js';
import { describeNote, type ParseNote } from './parse-note.js';

/** A valid payload with notes about the fields that were left out, or the reason why it is invalid. */
export type PayloadCheck<T> =
  | { readonly ok: true; readonly payload: T; readonly notes: readonly ParseNote[] }
  | { readonly ok: false; readonly reason: string };

type PayloadPath = readonly (string | number)[];

/**
 * Validates a parsed body and returns an instance of the class. Every declared field needs one of the field decorators
 * (`@IdField()`, `@TextField()`, `@ObjectField(…)` …), and `@IsOptional()` of class-validator if null is kept. Fields that
 * are not declared are kept.
 *
 * Only a field with `@Deciding()` can make the payload invalid. Any other invalid field is left out with a note; an absent
 * field has none. Values that `parseJson` replaced with a symbol are left out too. Never throws. Notes and the reason
 * contain paths, expected and actual kinds of values, but no values. The reason has up to five of them.
 */
export function validatePayload<T extends object>(dto: PayloadClass<T>, value: unknown): PayloadCheck<T> {
  const payload = takeValid(dto, value);
  return payload ? { ok: true, payload, notes: [] } : validateSlowly(dto, value);
}

/** Does the same as {@link validatePayload} with class-transformer and class-validator, which word the errors. */
export function validateSlowly<T extends object>(dto: PayloadClass<T>, value: unknown): PayloadCheck<T> {
  if (!isRecord(value)) return { ok: false, reason: `the payload: expected an object, got ${kindOf(value)}` };
  // Only declared fields are transformed: of the others, class-transformer would drop some (`toString`) and run some
  // (`constructor`).
  const payload = plainToInstance(dto, value, { excludeExtraneousValues: true, exposeUnsetFields: false });
  // `validateSync` of the package takes its validator from the container of the host's `useContainer`, so it is not used.
  // A field that fails its own check is not searched further.
  const errors = new Validator().validateSync(payload, { stopAtFirstError: true });
  const notes: ParseNote[] = [];
  keepUndeclared(payload, value, [], notes);
  const faults = leaveOut(errors, [], notes);
  return faults.length === 0 ? { ok: true, payload, notes } : { ok: false, reason: reasonOf(faults) };
}

function reasonOf(faults: readonly ParseNote[]): string {
  const shown = faults.slice(0, LIMITS.violationsMax).map(describeNote);
  return [...shown, ...(faults.length > shown.length ? ['and more'] : [])].join('; ');
}

function keepUndeclared(payload: object, given: object, place: PayloadPath, notes: ParseNote[]): void {
  for (const [key, value] of Object.entries(given) as [string, unknown][]) {
    const declared = Object.getOwnPropertyDescriptor(payload, key);
    const at = [...place, Array.isArray(given) ? Number(key) : key];
    if (!declared) {
      const kept = withoutUnsure(value, at, notes);
      if (typeof kept !== 'symbol') define(payload, key, kept);
    } else if (typeof declared.value === 'object' && typeof value === 'object' && value && declared.value !== value) {
      keepUndeclared(declared.value as object, value, at, notes);
    }
  }
}

/** Returns the value itself, or a copy without the symbols of `parseJson`; in arrays, null replaces them. */
function withoutUnsure(value: unknown, place: PayloadPath, notes: ParseNote[]): unknown {
  if (typeof value === 'symbol') {
    notes.push({ path: jsonPath(place), expected: '', found: kindOf(value) });
    return value;
  }
  if (typeof value !== 'object' || value === null || place.length > LIMITS.jsonDepthMax) return value;
  if (Array.isArray(value)) {
    const items = value.map((item, index): unknown => withoutUnsure(item, [...place, index], notes));
    if (items.every((item, index) => item === value[index] && typeof item !== 'symbol')) return value;
    return items.map((item) => (typeof item === 'symbol' ? null : item));
  }
  const sent = Object.entries(value) as [string, unknown][];
  const members = sent.map(([key, member]) => [key, withoutUnsure(member, [...place, key], notes)] as const);
  if (members.every(([, member], index) => member === sent[index]?.[1] && typeof member !== 'symbol')) return value;
  return Object.fromEntries(members.filter(([, member]) => typeof member !== 'symbol'));
}

/** Removes the invalid fields of an object that do not decide. Returns the violations of the fields that decide. */
function leaveOut(errors: readonly ValidationError[], place: PayloadPath, notes: ParseNote[]): readonly ParseNote[] {
  const faults: ParseNote[] = [];
  for (const error of errors) {
    const { target, property } = error;
    const own = faultsOf(error, [...place, property], notes);
    if (own.length === 0) continue;
    if (target && !isDeciding(target, property)) {
      Reflect.deleteProperty(target, property);
      append(notes, error.value === undefined ? [] : own);
    } else {
      append(faults, own);
    }
  }
  return faults;
}

/** Returns the violations that make a value invalid: its own, or those of deciding fields in it. */
function faultsOf(error: ValidationError, place: PayloadPath, notes: ParseNote[]): readonly ParseNote[] {
  const { value, constraints, children = [] } = error as { value?: unknown } & ValidationError;
  if (value instanceof OddItem) return [fault(place, 'an object', value.found)];
  const [expected] = Object.values(constraints ?? {});
  if (expected !== undefined) return [fault(place, expected, value)];
  if (!Array.isArray(value)) return leaveOut(children, place, notes);
  leaveItemsOut(value, children, place, notes);
  return [];
}

function leaveItemsOut(
  list: unknown[],
  errors: readonly ValidationError[],
  place: PayloadPath,
  notes: ParseNote[],
): void {
  const odd = new Set<unknown>();
  for (const error of errors) {
    const index = Number(error.property);
    const own = faultsOf(error, [...place, index], notes);
    if (own.length > 0) odd.add(list[index]);
    append(notes, own);
  }
  const kept = list.filter((item) => !odd.has(item));
  list.length = 0;
  append(list, kept);
}

function fault(place: PayloadPath, expected: string, value: unknown): ParseNote {
  return { path: jsonPath(place), expected, found: kindOf(value) };
}

/** Appends items without a spread, because an array can be longer than the arguments of a call. */
function append<T>(list: T[], items: readonly T[]): void {
  for (const item of items) list.push(item);
}

/** Returns the kind of a value, and its size if that helps, but never the value. */
function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (value === '') return 'an empty string';
  if (typeof value === 'symbol') return value.description ?? 'a symbol';
  if (typeof value === 'string') return `a string of ${value.length} characters`;
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a number with a fraction';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'boolean' ? 'a boolean' : 'an object';
}
