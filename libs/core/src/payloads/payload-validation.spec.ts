import { describe, expect, it } from '@jest/globals';
import { IsOptional } from 'class-validator';
import fc from 'fast-check';
import { LIMITS } from '../limits.js';
import { parseJson } from './json-text.js';
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
import { validatePayload } from './payload-validation.js';
import { describeNote } from './parse-note.js';

class Item {
  @Deciding()
  @IdField()
  id!: string;

  @IsOptional()
  @IntegerField()
  code?: number | null;
}

class Body {
  @Deciding()
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

  @LabelField()
  label?: string;
}

class Strict {
  @Deciding()
  @ObjectField(() => Item)
  one!: Item;

  @Deciding()
  @ListField(() => Item)
  many!: Item[];
}

/** As parsed from JSON: `__proto__` is then an ordinary own key. */
function check(json: string) {
  return validatePayload(Body, JSON.parse(json));
}

function reasonFor(value: unknown): string {
  const checked = validatePayload(Body, value);
  return checked.ok ? checked.notes.map(describeNote).join('; ') || 'none' : `refused: ${checked.reason}`;
}

/** The payload and the notes of a body as it was sent. */
function readText(text: string): unknown[] {
  const json = parseJson(Buffer.from(text));
  if (!json.ok) throw new Error(json.reason);
  const checked = validatePayload(Body, json.value);
  if (!checked.ok) throw new Error(checked.reason);
  return [JSON.parse(JSON.stringify(checked.payload)), checked.notes.map(describeNote)];
}

function expectTyped({ type, text = null, at = '', one, many, label = '' }: Body): void {
  for (const sure of [type, text ?? '', at ?? '', label]) expect(typeof sure).toBe('string');
  for (const item of [one, ...(many ?? [])]) {
    if (item === undefined || item === null) continue;
    expect(item).toBeInstanceOf(Item);
    expect([typeof item.id, typeof (item.code ?? 0)]).toEqual(['string', 'number']);
  }
}

describe('validatePayload', () => {
  it('returns an instance of the class, with instances of nested classes', () => {
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

    expect(checked).toEqual({ ok: true, payload: { type: 't', many: null }, notes: [] });
    expect(checked.ok && Object.keys(checked.payload)).toEqual(['type', 'many']);
  });

  it('keeps undeclared fields of any name, including nested ones', () => {
    const json =
      '{"type":"t","x":[{"constructor":{"a":1}}],"constructor":"c","toString":"s","hasOwnProperty":1,"then":{},' +
      '"length":9,"__proto__":{"polluted":true},"one":{"id":"1","valueOf":null},"many":[{"id":"2","y":{"z":[1]}}]}';

    const checked = check(json);

    if (!checked.ok) throw new Error(checked.reason);
    expect(JSON.parse(JSON.stringify(checked.payload))).toEqual(JSON.parse(json));
    expect(Object.getPrototypeOf(checked.payload)).toBe(Body.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('does not change its argument', () => {
    const given = { type: 't', one: { id: 7, extra: {} }, many: [{ id: 1 }] };
    const before = structuredClone(given);

    validatePayload(Body, given);

    expect(given).toEqual(before);
  });

  it.each([
    [null, 'the payload: expected an object, got null'],
    [undefined, 'the payload: expected an object, got nothing'],
    ['secret', 'the payload: expected an object, got a string of 6 characters'],
    [[{ type: 't' }], 'the payload: expected an object, got an array of 1'],
    [{}, 'type: expected a string of 1 to 255 printable characters, got nothing'],
    [{ type: null }, 'type: expected a string of 1 to 255 printable characters, got null'],
    [{ type: '' }, 'type: expected a string of 1 to 255 printable characters, got an empty string'],
    [{ type: 5 }, 'type: expected a string of 1 to 255 printable characters, got an integer'],
  ])('fails if a deciding field is invalid, with path, expected and actual kind: %j', (value, reason) => {
    expect(reasonFor(value)).toBe(`refused: ${reason}`);
  });

  it.each([
    [{ one: 'x', many: [] }, 'one: expected an object, got a string of 1 characters'],
    [
      { one: { id: null }, many: [] },
      'one.id: expected an id (an integer, or 1 to 255 printable characters), got null',
    ],
    [{ one: { id: 1 }, many: {} }, 'many: expected an array of up to 5000 objects, got an object'],
    [{ many: [] }, 'one: expected an object, got nothing'],
  ])(
    'fails where an object or a list that decides does not fit, itself or in what decides within: %j',
    (value, reason) => {
      expect(validatePayload(Strict, value)).toEqual({ ok: false, reason });
    },
  );

  it('leaves out invalid items of a deciding array', () => {
    const checked = validatePayload(Strict, { one: { id: 1 }, many: [7, { id: 2 }, { id: '' }] });
    expect(checked).toMatchObject({ ok: true, payload: { one: { id: '1' }, many: [{ id: '2' }] } });
  });

  it.each<[object, object, string]>([
    [{ text: ['secret'] }, {}, 'text: expected a string, got an array of 1'],
    [{ text: { constructor: 1 } }, {}, 'text: expected a string, got an object'],
    [{ text: true }, {}, 'text: expected a string, got a boolean'],
    [{ label: null }, {}, 'label: expected a string, got null'],
    [
      { at: '0001-01-01T00:00:00Z' },
      {},
      'at: expected a time such as 2023-01-31T19:28:07Z in the years 2000 to 2100, got a string of 20 characters',
    ],
    [
      { at: 1700000000 },
      {},
      'at: expected a time such as 2023-01-31T19:28:07Z in the years 2000 to 2100, got an integer',
    ],
    [{ one: [{ id: 1 }] }, {}, 'one: expected an object, got an array of 1'],
    [{ one: 'x' }, {}, 'one: expected an object, got a string of 1 characters'],
    [
      { one: { id: 1.5 } },
      {},
      'one.id: expected an id (an integer, or 1 to 255 printable characters), got a number with a fraction',
    ],
    [
      { one: { id: 1, code: '1e3', more: true } },
      { one: { id: '1', more: true } },
      'one.code: expected an integer, got a string of 3 characters',
    ],
    [{ many: { length: 3 } }, {}, 'many: expected an array of up to 5000 objects, got an object'],
    [{ many: [{ id: 1 }, null] }, { many: [{ id: '1' }] }, 'many[1]: expected an object, got null'],
    [
      { many: ['x', 7] },
      { many: [] },
      'many[0]: expected an object, got a string of 1 characters; many[1]: expected an object, got an integer',
    ],
    [{ many: [[{ id: 1 }], { id: 2 }] }, { many: [{ id: '2' }] }, 'many[0]: expected an object, got an array of 1'],
    [
      { many: [{ id: 1 }, { id: 2, code: 1.5, more: 1 }] },
      { many: [{ id: '1' }, { id: '2', more: 1 }] },
      'many[1].code: expected an integer, got a number with a fraction',
    ],
    [
      { many: [{ code: 1 }, { id: 2 }] },
      { many: [{ id: '2' }] },
      'many[0].id: expected an id (an integer, or 1 to 255 printable characters), got nothing',
    ],
    [
      { many: Array.from({ length: LIMITS.arrayItemsMax + 1 }, () => ({ id: 1 })) },
      {},
      'many: expected an array of up to 5000 objects, got an array of 5001',
    ],
  ])('leaves out any other invalid field, with path, expected and actual kind: %j', (fields, kept, notes) => {
    expect(reasonFor({ type: 't', x: 1, ...fields })).toBe(notes);
    const checked = validatePayload(Body, { type: 't', x: 1, ...fields });
    const payload = checked.ok ? checked.payload : {};
    expect(Object.keys(payload)).not.toContain('OddItem');
    expect(JSON.parse(JSON.stringify(payload))).toEqual({ type: 't', x: 1, ...kept });
  });

  it.each([
    ['', null],
    [' None ', null],
    ['NaN', null],
    ['-12', -12],
  ])('converts the string %j to %j without a note', (code, kept) => {
    expect(validatePayload(Body, { type: 't', one: { id: 1, code } })).toEqual({
      ok: true,
      payload: { type: 't', one: { id: '1', code: kept } },
      notes: [],
    });
  });

  it('converts a number to a label, and trims a name', () => {
    expect(validatePayload(Body, { type: ' t\n', label: 2024.5 })).toMatchObject({
      payload: { type: 't', label: '2024.5' },
    });
  });

  it.each([
    ['{"type":"t","text":"a","text":"b"}', { type: 't' }, ['text: expected a string, got a duplicate key']],
    [
      '{"type":"t","x":1e22,"y":{"a":[1,1e400,{"b":1,"b":2,"c":3}]}}',
      { type: 't', y: { a: [1, null, { c: 3 }] } },
      [
        'x: got a number beyond ±(2^53−1), which would be rounded',
        'y.a[1]: got a number beyond ±(2^53−1), which would be rounded',
        'y.a[2].b: got a duplicate key',
      ],
    ],
    [
      '{"type":"t","one":{"id":1,"__proto__":{"polluted":1}},"many":[{"id":2,"z":12345678901234567890},1e99]}',
      { type: 't', one: { id: '1' }, many: [{ id: '2' }] },
      [
        'one.__proto__: got the key __proto__',
        'many[0].z: got a number beyond ±(2^53−1), which would be rounded',
        'many[1]: expected an object, got a number beyond ±(2^53−1), which would be rounded',
      ],
    ],
  ])(
    'leaves out what the parser was not sure of, wherever it is and whether it is declared: %s',
    (text, payload, notes) => {
      expect(readText(text)).toEqual([payload, notes]);
      expect(({} as { polluted?: number }).polluted).toBeUndefined();
    },
  );

  it.each(['{"type":"a","type":"b"}', '{"type":1e99}'])(
    'fails where the parser was not sure of what decides: %s',
    (text) => {
      expect(() => readText(text)).toThrow(/^type: expected .*, got (?:a duplicate key|a number beyond)/);
    },
  );

  it.each([
    ['a control character', 'a\u0000b'],
    ['a line break', 'a\nb'],
    ['a lone surrogate', 'a\ud800'],
    ['a text direction override', 'a\u202eb'],
    ['a space at the end', 'a '],
    ['only a space', ' '],
    ['too many characters', 'x'.repeat(LIMITS.idCharsMax + 1)],
  ])('rejects an id with %s', (_, id) => {
    expect(reasonFor({ type: 't', one: { id } })).toMatch(/^one\.id: expected an id /);
  });

  it('accepts ids of other scripts, and zero', () => {
    expect(validatePayload(Body, { type: 'ジョブ 1', one: { id: 0 } }).ok).toBe(true);
  });

  it('names the first violations only', () => {
    class Wide {}
    for (let field = 0; field <= LIMITS.violationsMax; field += 1) {
      for (const decorate of [IdField(), Deciding()]) decorate(Wide.prototype, `field${field}`);
    }

    const checked = validatePayload(Wide, {});

    const found = checked.ok ? [] : checked.reason.split('; ');
    expect(found).toHaveLength(LIMITS.violationsMax + 1);
    expect(found.at(-2)).toMatch(/^field4: /);
    expect(found.at(-1)).toBe('and more');
  });

  it('notes every item that is left out of the longest array', () => {
    const many = Array.from({ length: LIMITS.arrayItemsMax }, () => ({}));

    const checked = validatePayload(Body, { type: 't', many });

    expect(checked).toMatchObject({ ok: true, payload: { many: [] } });
    expect(checked.ok && checked.notes).toHaveLength(LIMITS.arrayItemsMax);
  });

  it('takes linear time for many undeclared fields, even instead of a string', () => {
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, index]));

    // Of the processor, since on a busy machine the time by the clock says little.
    const before = process.cpuUsage();

    expect(validatePayload(Body, { ...wide, type: 't' }).ok).toBe(true);
    expect(validatePayload(Body, { type: 't', one: { ...wide, id: 1 } }).ok).toBe(true);
    expect(reasonFor({ type: 't', text: wide })).toBe('text: expected a string, got an object');
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(5_000);
  });

  it('never throws, repeats no value in a reason or note, and keeps no declared field of another type', () => {
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
      fc.property(value, (given) => {
        const parsed: unknown = JSON.parse(JSON.stringify({ type: 't', ...(given as object) }));
        expect(reasonFor(parsed)).not.toContain('SECRET');
        const checked = validatePayload(Body, parsed);
        if (checked.ok) expectTyped(checked.payload);
      }),
      { numRuns: 1_000 },
    );
  });
});
