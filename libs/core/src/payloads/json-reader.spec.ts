import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseJson } from './json-text.js';
import { LIMITS } from '../limits.js';

const reasonOf = (body: Uint8Array | string) => {
  const json = parseJson(typeof body === 'string' ? new TextEncoder().encode(body) : body);
  return json.ok ? `accepted: ${JSON.stringify(json.value)}` : json.reason;
};

describe('the reason of a rejected body', () => {
  it.each([
    ['no bytes', '', 'The body is empty; expected JSON.'],
    ['only space', ' \r\n\t', 'The body is empty; expected JSON.'],
    ['only a byte order mark', '\ufeff', 'The body is empty; expected JSON.'],
    [
      'two byte order marks',
      '\ufeff\ufeff{}',
      'The body is not JSON: an unexpected character at byte 3, at the top level.',
    ],
    ['a cut-off object', '{"a":', 'The body is not JSON: it ends too early, at byte 5, at a.'],
    ['a cut-off string', '{"a":"b', 'The body is not JSON: it ends too early, at byte 7, at a.'],
    ['an escaped closing quote', '"\\"', 'The body is not JSON: it ends too early, at byte 3, at the top level.'],
    ['a second value', '{} {}', 'The body is not JSON: an unexpected character at byte 3, at the top level.'],
    ['a trailing comma in an object', '{"a":1,}', 'The body is not JSON: an unexpected character at byte 7, at a.'],
    ['a trailing comma in an array', '[1,]', 'The body is not JSON: an unexpected character at byte 3, at [1].'],
    ['a missing colon', '{"a" 1}', 'The body is not JSON: an unexpected character at byte 5, at a.'],
    ['a wrong bracket', '{"a":[1}', 'The body is not JSON: an unexpected character at byte 7, at a[0].'],
    ['a key without quotes', '{a:1}', 'The body is not JSON: an unexpected character at byte 1, at the top level.'],
    ['single quotes', "['a']", 'The body is not JSON: an unexpected character at byte 1, at [0].'],
    ['a leading zero', '[01]', 'The body is not JSON: an unexpected character at byte 2, at [0].'],
    ['a leading plus', '[+1]', 'The body is not JSON: an unexpected character at byte 1, at [0].'],
    ['NaN', '[NaN]', 'The body is not JSON: an unexpected character at byte 1, at [0].'],
    ['an unknown escape', '["\\x41"]', 'The body is not JSON: an unexpected character at byte 3, at [0].'],
    ['a short escape', '["\\u12"]', 'The body is not JSON: an unexpected character at byte 6, at [0].'],
    ['bytes counted, not characters', '["é€😀",]', 'The body is not JSON: an unexpected character at byte 13, at [1].'],
    [
      'a raw line feed in a string',
      '{\n"é":"\\"\n"}',
      'The body is not JSON: an unexpected character at byte 10, at ["é"].',
    ],
    ['a raw NUL in a string', '["\0"]', 'The body is not JSON: an unexpected character at byte 2, at [0].'],
    ['HTML', '<html>', 'The body is not JSON: an unexpected character at byte 0, at the top level.'],
  ])('names the place of %s', (_, text, reason) => {
    expect(reasonOf(text)).toBe(reason);
  });

  it.each([
    ['a lone continuation byte', [0x22, 0x80, 0x22], 1],
    ['a cut-off sequence', [0x22, 0xe2, 0x82], 1],
    ['an overlong sequence', [0x22, 0xc0, 0xaf, 0x22], 1],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22], 1],
    ['a bad byte behind an honest U+FFFD', [0x22, 0xef, 0xbf, 0xbd, 0xff, 0x22], 4],
    ['a bad byte behind a byte order mark', [0xef, 0xbb, 0xbf, 0xff], 3],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00], 0],
  ])('names the place of %s in a body that is not UTF-8', (_, bytes, at) => {
    expect(reasonOf(Uint8Array.from(bytes))).toBe(`The body is not UTF-8: an invalid sequence starts at byte ${at}.`);
  });

  it.each([
    ['line\nbreak\u202e\u0007', '["line?break??"]'],
    ['quo"te\\', '["quo\\"te\\\\"]'],
    ['ジョブ', '["ジョブ"]'],
    ['\ud800', '["?"]'],
    ['a.b', '["a.b"]'],
    ['not-a-word', 'not-a-word'],
    ['x'.repeat(41), `["${'x'.repeat(40)}..."]`],
  ])('shows the key %j as bounded printable text', (name, path) => {
    expect(reasonOf(`{${JSON.stringify(name)}:!}`)).toMatch(/^The body is not JSON: .* at byte \d+, at /);
    expect(reasonOf(`{${JSON.stringify(name)}:!}`).endsWith(`, at ${path}.`)).toBe(true);
  });

  it('contains no value and stays below the limit', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 80 }), { maxLength: 60 }),
        fc.constantFrom('', 'x', '1 ', '\\', ':', '}', 'tru'),
        (names, junk) => {
          const text = `${names.map((name) => `{${JSON.stringify(name)}:["hunter2",`).join('')}${junk}"hunter2" hunter2`;
          const reason = reasonOf(text);
          expect(reason).not.toContain('hunter2');
          expect(reason.length).toBeLessThanOrEqual(LIMITS.reasonCharsMax);
        },
      ),
    );
  });
});
