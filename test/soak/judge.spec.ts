import { describe, expect, it } from '@jest/globals';
import { judge } from './judge.js';
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

/** Ten tenths, of which the last one is different. */
function endingWith(last: Partial<Tenth>): Tenth[] {
  return [...Array<Tenth>(9).fill(STEADY), { ...STEADY, ...last }];
}

describe('a soak', () => {
  it.each([
    ['that stays as it was', {}],
    ['that is a little slower at its end', { perSecond: 81 }],
    ['that gets faster', { perSecond: 300 }],
    ['whose memory and file move a little', { rssMb: 129, fileMb: 54 }],
  ])('%s is well', (_title, last) => {
    expect(judge(endingWith(last))).toEqual([]);
  });

  it.each([
    ['gets slow', { perSecond: 79 }, /^the last tenth accepted 79 % of what the first one did; expected 80 %$/],
    ['leaks memory', { rssMb: 131 }, /^memory grew by 31 MB; expected at most 30 MB$/],
    [
      'lets its file grow',
      { fileMb: 56 },
      /^the file is 112 % of what it was in the first half; expected at most 110 %$/,
    ],
  ])('that %s fails', (_title, last, problem) => {
    expect(judge(endingWith(last))).toEqual([expect.stringMatching(problem)]);
  });

  it('that measured nothing fails', () => {
    expect(judge([])).toEqual(['nothing was measured']);
  });
});
