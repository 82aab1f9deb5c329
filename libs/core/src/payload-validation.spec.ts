import { describe, expect, it } from '@jest/globals';
import { IsOptional } from 'class-validator';
import fc from 'fast-check';
import { LIMITS } from './limits.js';
import {
  IdField,
  IntegerField,
  ListField,
  NameField,
  ObjectField,
  TextField,
  TimestampField,
} from './payload-fields.js';
import { validatePayload } from './payload-validation.js';

class Item {
  @IdField()
  id!: string;

  @IsOptional()
  @IntegerField()
  code?: number | null;
}

class Body {
  @NameField()
  type!: string;

  @IsOptional()
  @TextField()
  text?: string | null;

  @IsOptional()
  @TimestampField()
  at?: string;

  @IsOptional()
  @ObjectField(() => Item)
  one?: Item;

  @IsOptional()
  @ListField(() => Item)
  many?: Item[] | null;
}

/** As parsed from JSON: `__proto__` is then an ordinary own key. */
function check(json: string) {
  return validatePayload(Body, JSON.parse(json));
}

function reasonFor(value: unknown): string {
  const checked = validatePayload(Body, value);
  return checked.ok ? 'none' : checked.reason;
}

describe('validatePayload', () => {
  it('makes an instance of the class and of the classes of its parts', () => {
    const checked = validatePayload(Body, { type: 't', one: { id: 7 }, many: [{ id: 'a' }, { id: 'b', code: '12' }] });

    if (!checked.ok) throw new Error(checked.reason);
    const { payload } = checked;
    expect(payload).toBeInstanceOf(Body);
    expect(payload.one).toBeInstanceOf(Item);
    expect(payload.many?.[1]).toBeInstanceOf(Item);
    expect(payload).toEqual({
      type: 't',
      one: { id: '7' },
      many: [{ id: 'a' }, { id: 'b', code: 12 }],
    });
  });

  it('leaves absent fields absent and null fields null', () => {
    const checked = validatePayload(Body, { type: 't', many: null });

    expect(checked).toEqual({ ok: true, payload: { type: 't', many: null } });
    expect(checked.ok && Object.keys(checked.payload)).toEqual(['type', 'many']);
  });

  it('keeps fields that are not declared, also within parts, whatever their names', () => {
    const json =
      '{"type":"t","x":[{"constructor":{"a":1}}],"constructor":"c","toString":"s","hasOwnProperty":1,"then":{},' +
      '"length":9,"__proto__":{"polluted":true},"one":{"id":"1","valueOf":null},"many":[{"id":"2","y":{"z":[1]}}]}';

    const checked = check(json);

    if (!checked.ok) throw new Error(checked.reason);
    expect(JSON.parse(JSON.stringify(checked.payload))).toEqual(JSON.parse(json));
    expect(Object.getPrototypeOf(checked.payload)).toBe(Body.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('does not change what it was given', () => {
    const given = { type: 't', one: { id: 7, extra: {} }, many: [{ id: 1 }] };
    const before = structuredClone(given);

    validatePayload(Body, given);

    expect(given).toEqual(before);
  });

  it.each([
    [null, 'the payload: expected an object, found null'],
    [undefined, 'the payload: expected an object, found nothing'],
    ['secret', 'the payload: expected an object, found a text of 6 characters'],
    [[{ type: 't' }], 'the payload: expected an object, found an array of 1'],
    [{}, 'type: expected a text of 1 to 255 printable characters, found nothing'],
    [{ type: null }, 'type: expected a text of 1 to 255 printable characters, found null'],
    [{ type: '' }, 'type: expected a text of 1 to 255 printable characters, found an empty text'],
    [{ type: 5 }, 'type: expected a text of 1 to 255 printable characters, found a whole number'],
    [{ type: 't', text: ['secret'] }, 'text: expected a text, found an array of 1'],
    [{ type: 't', text: { constructor: 1 } }, 'text: expected a text, found an object'],
    [{ type: 't', text: true }, 'text: expected a text, found a boolean'],
    [
      { type: 't', at: '0001-01-01T00:00:00Z' },
      'at: expected a time such as 2023-01-31T19:28:07Z in the years 2000 to 2100, found a text of 20 characters',
    ],
    [
      { type: 't', at: 1700000000 },
      'at: expected a time such as 2023-01-31T19:28:07Z in the years 2000 to 2100, found a whole number',
    ],
    [{ type: 't', one: [{ id: 1 }] }, 'one: expected an object, found an array of 1'],
    [{ type: 't', one: 'x' }, 'one: expected an object, found a text of 1 characters'],
    [
      { type: 't', one: { id: 1.5 } },
      'one.id: expected an id (a whole number, or 1 to 255 printable characters), found a number with a fraction',
    ],
    [{ type: 't', one: { id: 1, code: '1e3' } }, 'one.code: expected a whole number, found a text of 3 characters'],
    [{ type: 't', many: { length: 3 } }, 'many: expected a list of at most 5000 objects, found an object'],
    [{ type: 't', many: [{ id: 1 }, null] }, 'many[1]: expected an object, found null'],
    [{ type: 't', many: [[{ id: 1 }]] }, 'many[0]: expected an object, found an array of 1'],
    [
      { type: 't', many: [{ id: 1 }, { id: 2, code: 1.5 }] },
      'many[1].code: expected a whole number, found a number with a fraction',
    ],
    [
      { type: 't', many: Array.from({ length: LIMITS.arrayItemsMax + 1 }, () => ({ id: 1 })) },
      'many: expected a list of at most 5000 objects, found an array of 5001',
    ],
  ])('says path, expectation and kind for %j', (value, reason) => {
    expect(reasonFor(value)).toBe(reason);
  });

  it.each([
    ['a control character', 'a\u0000b'],
    ['a line break', 'a\nb'],
    ['a lone surrogate', 'a\ud800'],
    ['a text direction override', 'a\u202eb'],
    ['a space at the end', 'a '],
    ['only a space', ' '],
    ['too many characters', 'x'.repeat(LIMITS.idCharsMax + 1)],
  ])('refuses an id with %s', (_, id) => {
    expect(reasonFor({ type: 't', one: { id } })).toMatch(/^one\.id: expected an id /);
  });

  it('takes ids of other scripts, and zero', () => {
    expect(validatePayload(Body, { type: 'ジョブ 1', one: { id: 0 } }).ok).toBe(true);
  });

  it('names the first violations only', () => {
    const many = Array.from({ length: LIMITS.arrayItemsMax }, () => ({}));

    const reason = reasonFor({ type: 't', many });

    const found = reason.split('; ');
    expect(found).toHaveLength(LIMITS.violationsMax + 1);
    expect(found.at(-2)).toMatch(/^many\[4]\.id: /);
    expect(found.at(-1)).toBe('and more');
  });

  it('takes linear time for many undeclared fields, also where a text is expected', () => {
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, index]));

    // Of the processor, since on a busy machine the time by the clock says little.
    const before = process.cpuUsage();

    expect(validatePayload(Body, { ...wide, type: 't' }).ok).toBe(true);
    expect(validatePayload(Body, { type: 't', one: { ...wide, id: 1 } }).ok).toBe(true);
    expect(reasonFor({ type: 't', text: wide })).toBe('text: expected a text, found an object');
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(5_000);
  });

  it('never throws, and never repeats a value in a reason', () => {
    const field = fc.oneof(
      fc.constantFrom('type', 'text', 'at', 'one', 'many', 'id', 'code', 'constructor', '__proto__', 'then'),
      fc.string(),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, 1.5, 7, '', 'SECRET', 'SECRET\u0000'),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(field, tie('value'), { maxKeys: 6 }),
      ),
    }));
    fc.assert(
      fc.property(value, (given) => expect(reasonFor(JSON.parse(JSON.stringify(given)))).not.toContain('SECRET')),
      {
        numRuns: 1_000,
      },
    );
  });
});
