import 'reflect-metadata';
import { Expose, Transform, Type } from 'class-transformer';
import { getMetadataStorage, Validate, ValidateNested, ValidatorConstraint } from 'class-validator';
import { isIdText, readId } from './id-text.js';
import { LIMITS } from '../limits.js';
import { parseTimestamp } from './timestamps.js';

/** Class of a payload or of a part of it. */
export type PayloadClass<T extends object = object> = new () => T;

/** Under which {@link Deciding} marks a field; a symbol of its own in any copy of the package. */
const DECIDING = Symbol.for('nestjs-runhooks:deciding');

/**
 * Marks a field without which its object says nothing, for example an id: if it does not fit, neither does its object.
 * The payload is then quarantined; an item of a list is left out with a note, and so is an object within, unless its
 * own field is marked as well. Every other field that does not fit is left out alone, so declare those as optional.
 */
export function Deciding(): PropertyDecorator {
  return (target, property) => Reflect.defineMetadata(DECIDING, true, target, property);
}

export function isDeciding(object: object, property: string): boolean {
  return Reflect.hasMetadata(DECIDING, object, property);
}

/** A text of any length, also an empty one. */
export function TextField(): PropertyDecorator {
  return valueField('a text', isText);
}

/** What people call something: a text of any length. A number becomes a text, because YAML takes a name such as 2024 for one. */
export function LabelField(): PropertyDecorator {
  return valueField('a text', isText, (value) => (isNumber(value) ? String(value) : value));
}

/** A short printable text that is looked up, stored or compared, for example a message type. Space around it is cut off. */
export function NameField(): PropertyDecorator {
  const expected = `a text of 1 to ${LIMITS.idCharsMax} printable characters`;
  return valueField(expected, isIdText, (value) => (isText(value) ? value.trim() : value));
}

/** An id: a short printable text or a whole number, which becomes a text. */
export function IdField(): PropertyDecorator {
  const expected = `an id (a whole number, or 1 to ${LIMITS.idCharsMax} printable characters)`;
  return valueField(expected, isIdText, (value) => readId(value) ?? value);
}

/** A whole number. Decimal digits in a text become a number; a text that says nothing, for example Python's `None`, null. */
export function IntegerField(): PropertyDecorator {
  return valueField('a whole number', Number.isSafeInteger, (value) => {
    if (!isText(value)) return value;
    if (/^-?\d{1,15}$/.test(value)) return Number(value);
    return /^(?:None|NaN|NaT|null)?$/i.test(value.trim()) ? null : value;
  });
}

/** A time, kept as the text that was sent; `parseTimestamp` reads it. */
export function TimestampField(): PropertyDecorator {
  return valueField(
    `a time such as 2023-01-31T19:28:07Z in the years ${LIMITS.yearMin} to ${LIMITS.yearMax}`,
    (value) => typeof value === 'string' && parseTimestamp(value) !== undefined,
  );
}

/** An object with declared fields of its own. */
export function ObjectField(dto: () => PayloadClass): PropertyDecorator {
  return nestedField('an object', isRecord, dto);
}

/** A list of at most `LIMITS.arrayItemsMax` objects with declared fields of their own. Items that do not fit are left out. */
export function ListField(dto: () => PayloadClass): PropertyDecorator {
  return nestedField(`a list of at most ${LIMITS.arrayItemsMax} objects`, isShortList, dto);
}

/** Stands for an item of a list that is no object. class-validator finds fault with it, as with any class it does not know. */
export class OddItem {
  readonly found: unknown;

  constructor(found: unknown) {
    this.found = found;
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isShortList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length <= LIMITS.arrayItemsMax;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

/**
 * Stands for a value that class-transformer must not look into: without a class it would copy the value member by
 * member, take what its own `constructor` field holds for its class, and need quadratic time for many members.
 */
class Opaque {}

type Check = (value: unknown) => boolean;

function valueField(expected: string, isValid: Check, read = (value: unknown) => value): PropertyDecorator {
  return compose([Expose(), Type(() => Opaque), Transform(({ obj, key }) => read(obj[key])), check(expected, isValid)]);
}

function nestedField(expected: string, isValid: Check, dto: () => PayloadClass): PropertyDecorator {
  return compose([
    Expose(),
    Type((at) => (isValid(at?.object[at.property]) ? dto() : Opaque)),
    Transform(({ value, obj, key }): unknown => (isValid(obj[key]) ? withOddItems(value, obj[key]) : obj[key])),
    check(expected, isValid),
    ValidateNested(),
  ]);
}

function withOddItems(made: unknown, sent: unknown): unknown {
  if (!isShortList(made) || !isShortList(sent)) return made;
  return made.map((item, index) => (isRecord(sent[index]) ? item : new OddItem(sent[index])));
}

/**
 * What was found is added where all violations are put into words. The constraint keeps its one instance: else
 * class-validator asks the container of the host's `useContainer` for it, which need not have it.
 */
function check(expected: string, isValid: Check): PropertyDecorator {
  class FieldConstraint {
    validate(value: unknown): boolean {
      return isValid(value);
    }

    defaultMessage(): string {
      return expected;
    }
  }
  ValidatorConstraint({ name: 'field' })(FieldConstraint);
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
