import 'reflect-metadata';
import { Expose, Transform, Type } from 'class-transformer';
import { ValidateBy, ValidateNested } from 'class-validator';
import { isIdText, readId } from './id-text.js';
import { LIMITS } from './limits.js';
import { parseTimestamp } from './timestamps.js';

/** Class of a payload or of a part of it. */
export type PayloadClass<T extends object = object> = new () => T;

/** Name of the check that {@link ListField} makes: its violation is put down to the item at fault. */
export const LIST_CHECK = 'list';

/** A text of any length, also an empty one. */
export function TextField(): PropertyDecorator {
  return valueField('a text', (value) => typeof value === 'string');
}

/** A short printable text that is looked up, stored or compared, for example a message type. */
export function NameField(): PropertyDecorator {
  return valueField(`a text of 1 to ${LIMITS.idCharsMax} printable characters`, isIdText);
}

/** An id: a short printable text or a whole number, which becomes a text. */
export function IdField(): PropertyDecorator {
  const expected = `an id (a whole number, or 1 to ${LIMITS.idCharsMax} printable characters)`;
  return valueField(expected, isIdText, (value) => readId(value) ?? value);
}

/** A whole number; one sent as decimal digits in a text becomes a number. */
export function IntegerField(): PropertyDecorator {
  return valueField('a whole number', Number.isSafeInteger, (value) =>
    typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value,
  );
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

/** A list of at most `LIMITS.arrayItemsMax` objects with declared fields of their own. */
export function ListField(dto: () => PayloadClass): PropertyDecorator {
  return nestedField(`a list of at most ${LIMITS.arrayItemsMax} objects`, isRecordList, dto, LIST_CHECK);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRecordList(value: unknown): boolean {
  return Array.isArray(value) && value.length <= LIMITS.arrayItemsMax && value.every(isRecord);
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

function nestedField(expected: string, isValid: Check, dto: () => PayloadClass, name = 'field'): PropertyDecorator {
  return compose([
    Expose(),
    Type((at) => (isValid(at?.object[at.property]) ? dto() : Opaque)),
    Transform(({ value, obj, key }): unknown => (isValid(obj[key]) ? value : obj[key])),
    check(expected, isValid, name),
    ValidateNested(),
  ]);
}

/** What was found is added where all violations are put into words. */
function check(expected: string, isValid: Check, name = 'field'): PropertyDecorator {
  return ValidateBy({ name, validator: { validate: isValid, defaultMessage: () => expected } });
}

function compose(decorators: readonly PropertyDecorator[]): PropertyDecorator {
  return (target, property) => {
    for (const decorate of decorators) decorate(target, property);
  };
}
