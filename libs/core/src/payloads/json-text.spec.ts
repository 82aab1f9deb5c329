import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { jsonPath } from './json-path.js';
import { parseJson } from './json-text.js';
import { LIMITS } from '../limits.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const parse = (text: string) => parseJson(utf8(text));
const reasonOf = (body: Uint8Array | string) => {
  const json = parseJson(typeof body === 'string' ? utf8(body) : body);
  return json.ok ? `accepted: ${JSON.stringify(json.value)}` : json.reason;
};
const valueOf = (text: string): unknown => {
  const json = parse(text);
  if (!json.ok) throw new Error(json.reason);
  return json.value;
};

/** The places that the parser is not sure of, with what it found there. */
function unsureIn(value: unknown, place: readonly (string | number)[] = []): Record<string, string | undefined> {
  if (typeof value === 'symbol') return { [jsonPath(place)]: value.description };
  if (typeof value !== 'object' || value === null) return {};
  const members = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return Object.assign({}, ...members.map(([key, member]) => unsureIn(member, [...place, key]))) as ReturnType<
    typeof unsureIn
  >;
}

/** A value without the places at which `unsure`, by default the value itself, has symbols. */
function sureOf(value: unknown, unsure = value): unknown {
  if (typeof unsure === 'symbol') return null;
  if (typeof value !== 'object' || value === null || typeof unsure !== 'object' || unsure === null) return value;
  const at = (key: string) => (unsure as Record<string, unknown>)[key];
  if (Array.isArray(value)) return value.map((item: unknown, index) => sureOf(item, at(`${index}`)));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, sureOf(member, own(unsure, key))]));
}

function own(object: object, key: string): unknown {
  return Object.getOwnPropertyDescriptor(object, key)?.value as unknown;
}

const outcomeOf = (read: () => unknown): { thrown: boolean; value?: unknown } => {
  try {
    return { thrown: false, value: read() };
  } catch {
    return { thrown: true };
  }
};
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

/** Any double that keeps within ±(2^53−1). */
const number = fc.double({ min: -Number.MAX_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER, noNaN: true });
const key = fc.string({ unit: 'binary' }).filter((name) => name !== '__proto__');
const { value: jsonValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.oneof(fc.string({ unit: 'binary' }), number, fc.maxSafeInteger(), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5 }),
  ),
}));

describe('parseJson', () => {
  it('parses any output of JSON.stringify as JSON.parse does, compact or indented', () => {
    fc.assert(
      fc.property(jsonValue, fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text) });
      }),
      { numRuns: 500 },
    );
  });

  it('accepts a damaged text exactly if JSON.parse does', () => {
    const damage = fc.record({ at: fc.nat(), cut: fc.nat(3), insert: fc.string({ maxLength: 3 }) });
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '\\',
      '\\u00',
      'e',
      '-',
      '0',
      '1',
      '.',
      'tru',
      'null',
      '\n',
      '\0',
      '\u00a0',
    ];
    const text = fc.oneof(
      fc.tuple(jsonValue, damage).map(([value, { at, cut, insert }]) => {
        const whole = JSON.stringify(value);
        const from = at % (whole.length + 1);
        return whole.slice(0, from) + insert + whole.slice(from + cut);
      }),
      fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (damaged) => {
        const body = new TextDecoder().decode(utf8(damaged)); // half a surrogate pair cannot be sent
        const json = parse(body);
        const expected = outcomeOf(() => JSON.parse(body));
        const verdict = json.ok ? 'read' : /^The body is (?:not JSON|empty)/.test(json.reason) ? 'not JSON' : 'refused';
        expect(expected.thrown ? ['not JSON', 'refused'] : ['read', 'refused']).toContain(verdict);
        expect(json.ok && sureOf(json.value)).toEqual(json.ok && sureOf(expected.value, json.value));
      }),
      { numRuns: 3_000 },
    );
  });

  it('accepts bytes as UTF-8 exactly if a strict decoder does', () => {
    const strict = new TextDecoder('utf-8', { fatal: true });
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 8 }),
      fc.array(fc.constantFrom(0x41, 0x80, 0xbf, 0xc2, 0xe0, 0xed, 0xf0, 0xf4), { maxLength: 5 }),
    );
    fc.assert(
      fc.property(bytes, (some) => {
        const body = Uint8Array.from(some);
        expect(reasonOf(body).startsWith('The body is not UTF-8')).toBe(outcomeOf(() => strict.decode(body)).thrown);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['at the top', '{"runId":1,"jobId":2,"runId":1}', 'runId'],
    ['deep inside', '{"commands":[{},{"id":1,"b":{"id":2},"id":3}]}', 'commands[1].id'],
    ['spelled with an escape', '{"data":{"runId":1,"run\\u0049d":2}}', 'data.runId'],
    ['both spelled with escapes', '{"\\u0061":1,"\\u0061":2}', 'a'],
    ['empty', '{"":1,"":2}', '[""]'],
    ['that look like array indices', '{"1":1,"1":2}', '["1"]'],
  ])('replaces duplicate keys with a symbol: %s', (_, text, path) => {
    expect(unsureIn(valueOf(text))).toEqual({ [path]: 'a duplicate key' });
  });

  it('replaces duplicate keys with a symbol at any place and in any spelling', () => {
    const escaped = (name: string) =>
      `"${[...Array(name.length).keys()].map((i) => `\\u${name.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`;
    fc.assert(
      fc.property(
        fc.dictionary(key, jsonValue, { minKeys: 1 }),
        fc.nat(),
        fc.boolean(),
        fc.nat(20),
        (object, pick, plain, depth) => {
          const names = Object.keys(object);
          const name = names[pick % names.length] as string;
          const text = `${JSON.stringify(object).slice(0, -1)},${plain ? JSON.stringify(name) : escaped(name)}:0}`;
          const found = unsureIn(valueOf(`${'{"a":['.repeat(depth)}${text}${']}'.repeat(depth)}`));
          expect(Object.values(found)).toEqual(['a duplicate key']);
        },
      ),
    );
  });

  it('accepts equal keys in different objects', () => {
    expect(parse('{"a":{"a":[{"a":1},{"a":2}]},"b":{"a":3}}').ok).toBe(true);
  });

  it.each([
    '9007199254740991',
    '-9007199254740991',
    '9007199254740991.0',
    '1e15',
    '-0',
    '0.1',
    '123456789.123456789123456789',
    '1e-400',
    '0.00000000000000000000000000001',
  ])('accepts the number %s', (text) => {
    expect(parse(`[${text}]`)).toEqual({ ok: true, value: [Number(text)] });
  });

  it.each([
    '9007199254740992',
    '-9007199254740992',
    '12345678901234567890',
    '9007199254740993.0',
    '9.007199254740993e15',
    '1e16',
    '-1E+16',
    '1e400',
    '-1e400',
    `1${'0'.repeat(40)}`,
  ])('replaces the number %s with a symbol instead of rounding it', (text) => {
    const found = 'a number beyond ±(2^53−1), which would be rounded';
    expect(unsureIn(valueOf(`{"data":{"ids":[0,${text}],"id":1}}`))).toEqual({ 'data.ids[1]': found });
    expect(unsureIn(valueOf(text))).toEqual({ '': found });
  });

  it('rejects too many members at any place', () => {
    const members = (count: number) => {
      const keys = Array.from({ length: count / 4 }, (_, index) => `"k${index}":1`).join(',');
      return `[{${keys}},{${keys}},{${keys}},{${keys}}`;
    };
    expect(parse(`${members(LIMITS.jsonMembersMax)}]`).ok).toBe(true);
    expect(reasonOf(`${members(LIMITS.jsonMembersMax)},{"a":1}]`)).toBe(
      `The body has more than ${LIMITS.jsonMembersMax} object members; the last is at [4].a.`,
    );
  });

  it('rejects too many objects, including empty ones', () => {
    const objects = (count: number) => `[${Array.from({ length: count }, () => '{}').join(',')}]`;
    expect(parse(objects(LIMITS.jsonObjectsMax)).ok).toBe(true);
    expect(reasonOf(objects(LIMITS.jsonObjectsMax + 1))).toBe(
      `The body has more than ${LIMITS.jsonObjectsMax} objects; the last is at [${LIMITS.jsonObjectsMax}].`,
    );
  });

  it('accepts nesting up to the limit and rejects deeper nesting', () => {
    expect(parse(nested(LIMITS.jsonDepthMax)).ok).toBe(true);
    expect(reasonOf(nested(LIMITS.jsonDepthMax + 1))).toBe(
      'The body is nested deeper than 64 levels at ...[0][0][0][0][0][0][0][0].',
    );
    expect(reasonOf('{"a":'.repeat(LIMITS.jsonDepthMax + 1))).toMatch(/^The body is nested deeper than 64 levels at /);
    expect(parse(`[${`${nested(LIMITS.jsonDepthMax - 1)},`.repeat(100)}0]`).ok).toBe(true);
  });

  it.each(['{"a":{"__proto__":{"polluted":true}}}', '{"a":{"__pr\\u006fto__":1}}'])(
    'is not sure of the key __proto__, and changes no prototype: %s',
    (text) => {
      const value = valueOf(text);
      expect(unsureIn(value)).toEqual({ 'a.__proto__': 'the key __proto__' });
      expect(Object.getPrototypeOf((value as { a: object }).a)).toBe(Object.prototype);
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    },
  );

  it('keeps harmless names of object members as own properties', () => {
    const json = parse('{"constructor":{"prototype":1},"toString":2,"hasOwnProperty":3}');
    expect(json.ok && Object.entries(json.value as object)).toEqual([
      ['constructor', { prototype: 1 }],
      ['toString', 2],
      ['hasOwnProperty', 3],
    ]);
  });

  it('keeps NUL, lone surrogates and U+FFFD in strings', () => {
    expect(parse('["\\u0000","\\ud800","\\udc00\\ud800","\ufffd","\u2028"]')).toEqual({
      ok: true,
      value: ['\0', '\ud800', '\udc00\ud800', '\ufffd', '\u2028'],
    });
  });

  it('skips one byte order mark and whitespace around a value', () => {
    expect(parse('\ufeff {"a" : [ ] }\r\n')).toEqual({ ok: true, value: { a: [] } });
  });

  it('parses only its own part of a larger buffer', () => {
    expect(parseJson(utf8('xx{"a":1}xx').subarray(2, 9))).toEqual({ ok: true, value: { a: 1 } });
  });

  it.each([
    ['opening brackets', '['.repeat(1_000_000)],
    ['escaped quotes', `"${'\\"'.repeat(500_000)}"`],
    ['escaped backslashes', `["${'\\\\'.repeat(500_000)}"]`],
    ['many short strings and one late escape', `[${'"a",'.repeat(250_000)}"\\n"]`],
    ['many keys', `{${[...Array(90_000).keys()].map((i) => `"k${i}":0`).join(',')}}`],
    ['escaped keys', `{${[...Array(50_000).keys()].map((i) => `"\\u006b${i}":0`).join(',')}}`],
    ['members of a broken object', `{${[...Array(90_000).keys()].map((i) => `"k${i}":{"a":[0]}`).join(',')},`],
    ['digits', `0.${'1'.repeat(1_000_000)}`],
    ['U+FFFD before a bad byte', `"${'\ufffd'.repeat(330_000)}`],
  ])('takes linear time over a megabyte of %s', (_, text) => {
    // Of the processor, since on a busy machine the time by the clock says little.
    const before = process.cpuUsage();
    parse(text);
    parse(`${text}!`);
    parseJson(Buffer.concat([utf8(text), Uint8Array.of(0xff)]));
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(2_000);
  });
});
