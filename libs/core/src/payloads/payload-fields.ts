import 'reflect-metadata';
import { Expose, Transform, Type, type TransformFnParams, type TypeHelpOptions } from 'class-transformer';
import { getMetadataStorage, Validate, ValidateNested, ValidatorConstraint } from 'class-validator';
import { isIdText, readId } from './id-text.js';
import { LIMITS } from '../limits.js';
import { attachCheck, type Check, type FieldCheck, type PayloadClass } from './payload-plan.js';
import { parseTimestamp } from './timestamps.js';

/** Key of the metadata of {@link Deciding}, the same for every copy of the package. */
const DECIDING = Symbol.for('nestjs-runhooks:deciding');

/**
 * Decorator for a field without which its object is useless, for example an id. If the field is invalid, so is its
 * object: an invalid payload is quarantined. An invalid item of an array is left out with a note, and so is an invalid
 * nested object unless its own field has this decorator too. Any other invalid field is left out alone, so declare those
 * fields as optional.
 */
export function Deciding(): PropertyDecorator {
  return (target, property) => Reflect.defineMetadata(DECIDING, true, target, property);
}

/** Returns whether a field has the decorator {@link Deciding}. */
export function isDeciding(object: object, property: string): boolean {
  return Reflect.hasMetadata(DECIDING, object, property);
}

/** Decorator for a string of any length, including an empty one. */
export function TextField(): PropertyDecorator {
  return valueField('a string', isString);
}

/**
 * Decorator for a name that people choose: a string of any length. A number becomes a string, because YAML reads a name
 * such as 2024 as a number.
 */
export function LabelField(): PropertyDecorator {
  return valueField('a string', isString, (value) => (isNumber(value) ? String(value) : value));
}

/** Decorator for a short printable string to compare, for example a message type. Spaces around it are removed. */
export function NameField(): PropertyDecorator {
  const expected = `a string of 1 to ${LIMITS.idCharsMax} printable characters`;
  return valueField(expected, isIdText, (value) => (isString(value) ? value.trim() : value));
}

/** Decorator for an id: a short printable string, or an integer, which becomes a string. */
export function IdField(): PropertyDecorator {
  const expected = `an id (an integer, or 1 to ${LIMITS.idCharsMax} printable characters)`;
  return valueField(expected, isIdText, (value) => readId(value) ?? value);
}

/** Decorator for an integer. A string of digits becomes a number; a blank string, or for example `None`, becomes null. */
export function IntegerField(): PropertyDecorator {
  return valueField('an integer', Number.isSafeInteger, (value) => {
    if (!isString(value)) return value;
    if (/^-?\d{1,15}$/.test(value)) return Number(value);
    return /^(?:None|NaN|NaT|null)?$/i.test(value.trim()) ? null : value;
  });
}

/** Decorator for a time, which stays the string that was sent. Parse it with `parseTimestamp`. */
export function TimestampField(): PropertyDecorator {
  return valueField(
    `a time such as 2023-01-31T19:28:07Z in the years ${LIMITS.yearMin} to ${LIMITS.yearMax}`,
    (value) => typeof value === 'string' && parseTimestamp(value) !== undefined,
  );
}

/** Decorator for a nested object with declared fields. */
export function ObjectField(dto: () => PayloadClass): PropertyDecorator {
  return nestedField('an object', isRecord, dto);
}

/** Decorator for an array of up to 5,000 objects with declared fields. Invalid items are left out. */
export function ListField(dto: () => PayloadClass): PropertyDecorator {
  return nestedField(`an array of up to ${LIMITS.arrayItemsMax} objects`, isShortList, dto);
}

/** Returns a decorator that also requires `isValid` of a field that another decorator declares. */
export function alsoRequire(expected: string, isValid: Check): PropertyDecorator {
  return check(expected, { isValid });
}

/** Replaces an item of an array that is not an object. class-validator rejects it, as any class without decorators. */
export class OddItem {
  readonly found: unknown;

  constructor(found: unknown) {
    this.found = found;
  }
}

/** Returns whether a value is an object, but not an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isShortList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length <= LIMITS.arrayItemsMax;
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

/**
 * Class of values that class-transformer must not inspect. Without a class it would copy the value member by member, use
 * the value's own field `constructor` as its class, and need quadratic time for many members.
 */
class Opaque {}

function valueField(expected: string, isValid: Check, read = (value: unknown) => value): PropertyDecorator {
  const type = (): PayloadClass => Opaque;
  const transform = ({ obj, key }: TransformFnParams): unknown => read(obj[key]);
  const declares = { type, transform, content: { read } };
  return compose([Expose(), Type(type), Transform(transform), check(expected, { isValid, declares })]);
}

function nestedField(expected: string, isValid: Check, dto: () => PayloadClass): PropertyDecorator {
  const type = (at?: TypeHelpOptions): PayloadClass => (isValid(at?.object[at.property]) ? dto() : Opaque);
  const transform = ({ value, obj, key }: TransformFnParams): unknown =>
    isValid(obj[key]) ? withOddItems(value, obj[key]) : obj[key];
  const declares = { type, transform, content: { dto } };
  return compose([
    Expose(),
    Type(type),
    Transform(transform),
    check(expected, { isValid, declares }),
    ValidateNested(),
  ]);
}

function withOddItems(made: unknown, sent: unknown): unknown {
  if (!isShortList(made) || !isShortList(sent)) return made;
  return made.map((item, index) => (isRecord(sent[index]) ? item : new OddItem(sent[index])));
}

/**
 * Returns a decorator whose violation is `expected`. The constraint keeps its own instance: otherwise class-validator asks
 * the container of the host's `useContainer`, which may not have it.
 */
function check(expected: string, fieldCheck: FieldCheck): PropertyDecorator {
  class FieldConstraint {
    validate(value: unknown): boolean {
      return fieldCheck.isValid(value);
    }

    defaultMessage(): string {
      return expected;
    }
  }
  ValidatorConstraint({ name: 'field' })(FieldConstraint);
  attachCheck(FieldConstraint, fieldCheck);
  const instance = new FieldConstraint();
  for (const constraint of getMetadataStorage().getTargetValidatorConstraints(FieldConstraint)) {
    Object.defineProperty(constraint, 'instance', { value: instance });
  }
  return Validate(FieldConstraint);
}

function compose(decorators: readonly PropertyDecorator[]): PropertyDecorator {
  return (target, property) => {
    for (const decorate of decorators) decorate(target, property);
  };
}
