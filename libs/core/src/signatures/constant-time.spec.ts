import { describe, expect, it } from '@jest/globals';
import { indexOfEqual } from './constant-time.js';

const bytes = (...texts: string[]) => texts.map((text) => Buffer.from(text));

describe('indexOfEqual', () => {
  it.each([
    [['abc'], 'abc', 0],
    [['abd', 'abc', 'abc'], 'abc', 1],
    [['abd', 'bbc'], 'abc', -1],
    [['ab', 'abcd', ''], 'abc', -1],
    [[], 'abc', -1],
  ])('finds the value at its index: in %j, %j at %d', (expected, given, index) => {
    expect(indexOfEqual(bytes(...expected), Buffer.from(given))).toBe(index);
  });
});
