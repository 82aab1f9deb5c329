import { describe, expect, it } from '@jest/globals';
import { actionMark, markedReason, markIn } from './action-mark.js';

const MARK = actionMark('dbt', 'dlv_1');

describe('markedReason', () => {
  it('begins with the mark, also before a reason that begins with another one', () => {
    const reason = markedReason(MARK, 'runhooks:0123456789abcdef again');
    expect(reason).toBe(`${MARK} runhooks:0123456789abcdef again`);
    expect(markIn(reason)).toBe(MARK);
  });

  it('has at most 255 characters, and no half of a character', () => {
    const reason = markedReason(MARK, `${'x'.repeat(228)}😀 and more`);
    expect(reason).toBe(`${MARK} ${'x'.repeat(228)}`);
    expect(markedReason(MARK, `${'x'.repeat(227)}😀 and more`)).toHaveLength(255);
  });

  it('has no control characters, which databases of providers refuse', () => {
    expect(markedReason(MARK, 'line 1\r\nline 2\0 \ud83d end\n')).toBe(`${MARK} line 1 line 2    end`);
  });

  it('keeps emojis and other scripts', () => {
    expect(markedReason(MARK, '夜間 👩‍💻')).toBe(`${MARK} 夜間 👩‍💻`);
  });
});
