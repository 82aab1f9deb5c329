import 'reflect-metadata';
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

type Check = (value: unknown) => boolean;

/** How a declared field is made of what was sent. */
export type ReadField = (sent: unknown, instantiate: Instantiate) => unknown;

/** Makes an instance of a part's class. */
export type Instantiate = (dto: PayloadClass, sent: Readonly<Record<string, unknown>>) => object;

const FIELDS = 'nestjs-runhooks:payload-fields';

/** The declared fields of a class, those that it inherits first. */
export function fieldsOf(dto: PayloadClass): ReadonlyMap<string, ReadField> {
  return (Reflect.getMetadata(FIELDS, dto.prototype) as Map<string, ReadField> | undefined) ?? new Map();
}

function valueField(expected: string, isValid: Check, read: ReadField = (sent) => sent): PropertyDecorator {
  return compose([field(read), check(expected, isValid)]);
}

function nestedField(expected: string, isValid: Check, dto: () => PayloadClass, name = 'field'): PropertyDecorator {
  const read: ReadField = (sent, instantiate) => {
    if (!isValid(sent)) return sent;
    if (Array.isArray(sent)) return sent.map((item) => instantiate(dto(), item as Record<string, unknown>));
    return instantiate(dto(), sent as Record<string, unknown>);
  };
  return compose([field(read), check(expected, isValid, name), ValidateNested()]);
}

function field(read: ReadField): PropertyDecorator {
  return (target, property) => {
    const inherited = Reflect.getMetadata(FIELDS, target) as Map<string, ReadField> | undefined;
    Reflect.defineMetadata(FIELDS, new Map(inherited).set(String(property), read), target);
  };
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
