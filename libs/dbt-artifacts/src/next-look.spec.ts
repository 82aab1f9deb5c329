import { describe, expect, it } from '@jest/globals';
import { msUntilNextLook } from './next-look.js';

const END = new Date('2026-11-30T03:10:00.000Z');
const after = (seconds: number) => new Date(END.getTime() + seconds * 1_000);

describe('msUntilNextLook', () => {
  it('grows to two minutes, and ends ten minutes after the end of the run', () => {
    const looks: number[] = [];
    for (let at = 0, ms = msUntilNextLook(END, after(0)); ms !== undefined; ms = msUntilNextLook(END, after(at))) {
      looks.push(ms / 1_000);
      at += ms / 1_000;
    }
    expect(looks).toEqual([10, 30, 60, 120, 120, 120, 120, 20]);
  });

  it('is short for a run that ends in the future', () => {
    expect(msUntilNextLook(END, after(-3_600))).toBe(10_000);
  });
});
