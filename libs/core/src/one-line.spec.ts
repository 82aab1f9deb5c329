import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LIMITS } from './limits.js';
import { oneLine } from './one-line.js';

const UNPRINTABLE = /(?!\ufe0f)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]/u;

describe('oneLine', () => {
  it.each([
    ['line breaks', 'a\r\nb\tc', String.raw`a\r\nb\tc`],
    [
      'other control characters',
      '\0\u0007\u0008\u001b[31m\u007f\u0085\u009b',
      String.raw`\u0000\u0007\u0008\u001b[31m\u007f\u0085\u009b`,
    ],
    ['separators of lines and paragraphs', '\u2028\u2029', String.raw`\u2028\u2029`],
    [
      'bidirectional marks',
      '\u202e\u202a\u2066\u2069\u200e\u200f\u061c',
      String.raw`\u202e\u202a\u2066\u2069\u200e\u200f\u061c`,
    ],
    ['invisible characters', '\u200b\u200d\ufeff\u00ad\u2060\u3164', String.raw`\u200b\u200d\ufeff\u00ad\u2060\u3164`],
    ['tags that spell an invisible text', '\u{e0041}\u{e007f}', String.raw`\u{e0041}\u{e007f}`],
    ['lone surrogates', '\ud800a\udc00', String.raw`\ud800a\udc00`],
  ])('escapes %s', (_, text, line) => {
    expect(oneLine(text)).toBe(line);
  });

  it('keeps printable text of any script', () => {
    for (const text of ['', 'a "b" \\n C:\\new', 'Nächtlicher Lauf – 夜間ビルド', 'اردو', '🚀 ⚠️ e\u0301']) {
      expect(oneLine(text)).toBe(text);
    }
  });

  it('removes the middle of a long text and keeps its start and its end', () => {
    const line = oneLine(`the start ${'\u202e'.repeat(1_000_000)} what to do`);
    expect(line).toHaveLength(LIMITS.lineCharsMax);
    expect(line).toMatch(/^the start \\u202e.* \[…\] .*what to do$/);
  });

  it('does not split surrogate pairs', () => {
    for (let before = 0; before < 4; before += 1) {
      expect(oneLine('x'.repeat(before) + '🚀'.repeat(100), 51)).toMatch(/^x*(?:🚀)+ \[…\] (?:🚀)+$/u);
    }
  });

  it('returns one bounded, printable line for any text, and keeps such a line unchanged', () => {
    const hostile = fc.constantFrom('\n', '\u001b', '\u202e', '\ud83d', '\ude80', '🚀', '\u{e0001}', 'a');
    const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ unit: hostile, maxLength: 200 }));
    fc.assert(
      fc.property(texts, fc.integer({ min: 20, max: 100 }), (text, charsMax) => {
        const line = oneLine(text, charsMax);
        expect(line.length).toBeLessThanOrEqual(charsMax);
        expect(line).not.toMatch(UNPRINTABLE);
        expect(oneLine(line, charsMax)).toBe(line);
      }),
    );
  });
});
