import { expect, it } from '@jest/globals';
import { durationText } from './duration-text.js';

it('returns a duration in its largest unit with a value of at least two', () => {
  const shown = [0, 1_999, 2_000, 119_000, 120_000, 7_140_000, 7_200_000, 172_740_000, 172_800_000, 31_536_000_000];
  expect(shown.map(durationText)).toEqual([
    '0 ms',
    '1999 ms',
    '2 s',
    '119 s',
    '2 min',
    '119 min',
    '2 h',
    '48 h',
    '2 days',
    '365 days',
  ]);
});
