import { describe, expect, it } from '@jest/globals';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import { Allow, IsOptional, Matches, ValidateIf, ValidateNested } from 'class-validator';
import fc from 'fast-check';
import { LIMITS } from '../limits.js';
import { parseJson } from './json-text.js';
import { blankValues } from './payload-blank.js';
import {
  Deciding,
  IdField,
  IntegerField,
  LabelField,
  ListField,
  NameField,
  ObjectField,
  TextField,
  TimestampField,
} from './payload-fields.js';
import { takeValid, type PayloadClass } from './payload-plan.js';
import { validatePayload, validateSlowly } from './payload-validation.js';

const { MayBeBlank, NotBlank } = blankValues(['', 'None']);

class Item {
  @Deciding()
  @IdField()
  @NotBlank('an id')
  id!: string;

  @IsOptional()
  @IntegerField()
  code?: number | null;

  @IsOptional()
  @ListField(() => Item)
  items?: Item[] | null;
}

class Base {
  @Deciding()
  @NameField()
  type!: string;

  @LabelField()
  label?: string;

  @MayBeBlank()
  @IdField()
  key?: string | null;
}

class Body extends Base {
  @IsOptional()
  @TextField()
  text?: string | null;

  @IsOptional()
  @TimestampField()
  at?: string;

  @IsOptional()
  @ObjectField(() => Item)
  one?: Item;

  @MayBeBlank()
  @ListField(() => Item)
  many?: readonly Item[] | null;

  /** Not validated if the body has a `text`. */
  @ValidateIf(({ text }: Body) => text === undefined)
  @TextField()
  note?: string;
}

/** Adds a condition to a field that it inherits. */
class Lenient extends Base {
  @IsOptional()
  override label?: string;
}

/** A class with a string, and with decorators above it that the plan does not know. */
function withDecorators(...decorators: PropertyDecorator[]): PayloadClass {
  class Odd {}
  for (const decorate of [TextField(), ...decorators]) decorate(Odd.prototype, 'text');
  return Odd;
}

class Initialized {
  @TextField()
  text = 'as declared';
}

class Accessed {
  get text(): string {
    return 'of the class';
  }
}
TextField()(Accessed.prototype, 'text');

class Collected {
  @ListField(() => Item)
  many!: Set<Item>;
}

class Redeclared extends Body {
  @LabelField()
  override text?: string;
}

@Exclude()
class Hidden {
  @TextField()
  text!: string;
}

class Undecorated {}

const OTHER = {
  '@Matches()': withDecorators(Matches(/^b/)),
  '@Transform()': withDecorators(Transform(() => 'changed')),
  '@Type()': withDecorators(Type(() => Number)),
  '@Expose() with another name': withDecorators(Expose({ name: 'renamed' })),
  '@Exclude()': withDecorators(Exclude()),
  '@Allow()': withDecorators(Allow()),
  '@ValidateNested()': withDecorators(ValidateNested()),
  '@IsOptional() of a group': withDecorators(IsOptional({ groups: ['a'] })),
  'a second field decorator': withDecorators(NameField()),
  'a decorator of another field': withDecorators((target) => Matches(/^b/)(target, 'other')),
  'an exposed field without a check': withDecorators((target) => Expose()(target, 'other')),
  'an initial value': Initialized,
  'an accessor': Accessed,
  'a set instead of an array': Collected,
  'a field that is declared again': Redeclared,
  '@Exclude() of the class': Hidden,
  'no decorator': Undecorated,
};

/** All own properties with their prototypes, in order. `toEqual` ignores prototypes, and `undefined` values. */
function shapeOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const members = Reflect.ownKeys(value).map((key) => [key, shapeOf((value as Record<PropertyKey, unknown>)[key])]);
  return [Object.getPrototypeOf(value), members];
}

/** Returns whether the plan took the value. */
function expectAgreement(dto: PayloadClass, value: unknown): boolean {
  const slow = validateSlowly(dto, structured(value));
  expect(shapeOf(validatePayload(dto, value))).toEqual(shapeOf(slow));
  const taken = takeValid(dto, value);
  if (taken !== undefined) expect([slow.ok, slow.ok && slow.notes]).toEqual([true, []]);
  return taken !== undefined;
}

/** A copy, to show that neither way changes its argument. Symbols are the same in both. */
function structured(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(structured);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, structured(member)]));
}

const VALID = {
  type: ' t\n',
  label: 2024.5,
  key: 'None',
  text: null,
  at: '2023-01-31T19:28:07Z',
  one: { id: 7, code: ' None ', extra: [{ a: 1 }], items: [] },
  many: [
    { id: 'a', code: '-12' },
    { id: 'b', items: [{ id: 0, x: null }] },
  ],
  other: { constructor: { a: 1 } },
};

describe('the plan of a payload class', () => {
  it('takes a valid payload, with conversions and undeclared fields', () => {
    expect(takeValid(Body, VALID)).toEqual({
      ...VALID,
      type: 't',
      label: '2024.5',
      one: { ...VALID.one, id: '7', code: null },
      many: [
        { id: 'a', code: -12 },
        { id: 'b', items: [{ id: '0', x: null }] },
      ],
    });
    expect(expectAgreement(Body, VALID)).toBe(true);
  });

  it('keeps undeclared fields of any name', () => {
    const sent: unknown = JSON.parse(
      '{"type":"t","label":"","note":"","constructor":1,"toString":{},"__proto__":{"polluted":true},"then":[],"one":{"id":1,"__proto__":2}}',
    );
    expect(expectAgreement(Body, sent)).toBe(true);
    expect(Object.getPrototypeOf(takeValid(Body, sent))).toBe(Body.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('evaluates the conditions of an inherited class and of other fields', () => {
    expect(expectAgreement(Lenient, { type: 't', label: null })).toBe(true);
    expect(expectAgreement(Body, { type: 't', label: '', text: 'x', note: 5 })).toBe(true);
    expect(expectAgreement(Body, { type: 't', label: '', note: 5 })).toBe(false);
    expect(expectAgreement(Body, { type: 't', label: '', text: 'x', note: { a: Symbol('odd') } })).toBe(false);
  });

  it.each([
    ['a missing field', { label: 'a' }],
    ['a field of another type', { ...VALID, text: 5 }],
    ['an invalid item', { ...VALID, many: [{ id: 1 }, {}] }],
    ['an item that is no object', { ...VALID, many: [{ id: 1 }, null] }],
    ['a blank id', { ...VALID, one: { id: 'None' } }],
    ['an array instead of an object', { ...VALID, one: [{ id: 1 }] }],
    ['an object instead of an array', { ...VALID, many: { id: 1 } }],
    ['a word instead of an array', { ...VALID, many: 'None' }],
    ['a symbol in a declared field', { ...VALID, text: Symbol('odd') }],
    ['a symbol in an undeclared field', { ...VALID, other: [{ deep: Symbol('odd') }] }],
    ['a symbol in a nested object', { ...VALID, one: { id: 1, other: Symbol('odd') } }],
    ['an array', [VALID]],
    ['null', null],
    ['an instance of a class', Object.assign(new Item(), VALID)],
  ])('leaves %s to class-validator', (_, value) => {
    expect(expectAgreement(Body, value)).toBe(false);
  });

  it('leaves undeclared values below the depth of parsed JSON to class-validator', () => {
    let deep: unknown = Symbol('odd');
    for (let depth = 0; depth <= LIMITS.jsonDepthMax; depth += 1) deep = [deep];
    expect(expectAgreement(Body, { ...VALID, deep })).toBe(false);
  });

  it.each(Object.entries(OTHER))('does not take a class with %s', (_, dto) => {
    const values = [{ text: 'a' }, { text: 'b', other: 'a' }, { text: 'b', type: 't', label: '', many: [] }, {}];
    for (const value of values) expect(expectAgreement(dto, value)).toBe(false);
  });

  it('does not take a payload with an object of such a class', () => {
    class Outer {
      @ObjectField(() => OTHER['@Transform()'])
      one!: object;
    }
    expect(expectAgreement(Outer, { one: { text: 'a' } })).toBe(false);
  });

  it('agrees with class-validator on every payload', () => {
    const name = fc.oneof(
      fc.constantFrom('type', 'label', 'key', 'text', 'at', 'one', 'many', 'note', 'id', 'code', 'items'),
      fc.constantFrom('constructor', '__proto__', 'toString', 'then', 'x'),
    );
    const simple = fc.constantFrom<unknown>(
      null,
      true,
      1.5,
      7,
      -0,
      '',
      ' ',
      'None',
      '12',
      'a\u0000',
      VALID.at,
      VALID.one,
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        simple,
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(name, tie('value'), { maxKeys: 6 }),
      ),
    }));
    const changes = fc.dictionary(name, value, { maxKeys: 3 });
    let taken = 0;
    fc.assert(
      fc.property(changes, changes, fc.constantFrom('', ',"x":1e99', ',"one":{"id":1,"id":2}'), (body, one, more) => {
        const object = { ...VALID, ...body, ...(Object.keys(one).length > 0 && { one: { ...VALID.one, ...one } }) };
        const json = parseJson(Buffer.from(`${JSON.stringify(object).slice(0, -1)}${more}}`));
        if (json.ok && expectAgreement(Body, json.value)) taken += 1;
      }),
      { numRuns: 500 },
    );
    expect(taken).toBeGreaterThan(0);
  });
});
