import { describe, expect, it } from '@jest/globals';
import { durationText } from './duration-text.js';

describe('durationText', () => {
  it.each([
    [0, '0 ms'],
    [371.4, '371 ms'],
    [1_000, '1 s'],
    [119_000, '119 s'],
    [120_000, '2 min'],
    [7_199_000, '120 min'],
    [7_200_000, '2 h'],
    [129_600_000, '36 h'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });
});
