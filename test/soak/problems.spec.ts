import { describe, expect, it } from '@jest/globals';
import { problemsOf } from './problems.js';
import type { Tenth } from './tenth.js';

const STEADY: Tenth = {
  messages: 100,
  seconds: 1,
  perSecond: 100,
  acceptMsP50: 1,
  acceptMsP99: 2,
  cpuSeconds: 1,
  rssMb: 100,
  fileMb: 50,
};

/** Returns ten tenths, of which only the last one differs. */
function endingWith(last: Partial<Tenth>): Tenth[] {
  return [...Array<Tenth>(9).fill(STEADY), { ...STEADY, ...last }];
}

describe('problemsOf', () => {
  it.each([
    ['a soak that stays the same', {}],
    ['a soak that is slightly slower at its end', { perSecond: 81 }],
    ['a soak that gets faster', { perSecond: 300 }],
    ['a soak whose memory and file vary slightly', { rssMb: 129, fileMb: 54 }],
  ])('returns no problem for %s', (_title, last) => {
    expect(problemsOf(endingWith(last))).toEqual([]);
  });

  it.each([
    ['gets slow', { perSecond: 79 }, /^the throughput of the last tenth was 79 % of the first one; expected 80 %$/],
    ['leaks memory', { rssMb: 131 }, /^memory grew by 31 MB; expected at most 30 MB$/],
    [
      'lets its file grow',
      { fileMb: 56 },
      /^the file grew to 112 % of its size in the first half; expected at most 110 %$/,
    ],
  ])('returns the problem of a soak that %s', (_title, last, problem) => {
    expect(problemsOf(endingWith(last))).toEqual([expect.stringMatching(problem)]);
  });

  it('returns a problem for a soak without measurements', () => {
    expect(problemsOf([])).toEqual(['nothing was measured']);
  });
});
