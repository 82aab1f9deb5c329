import { describe, expect, it } from '@jest/globals';
import { ManualClock } from './manual-clock.js';

const START = new Date('2026-10-09T05:24:19.074Z');

describe('ManualClock', () => {
  it('stays at its start, by default the present', () => {
    expect(new ManualClock(START).now()).toEqual(START);
    const before = Date.now();
    const clock = new ManualClock();
    expect(clock.now().getTime()).toBeGreaterThanOrEqual(before);
    expect(clock.now()).toEqual(clock.now());
  });

  it('moves forward and back', () => {
    const clock = new ManualClock(START);
    clock.advance(1_500);
    expect(clock.now().getTime() - START.getTime()).toBe(1_500);
    clock.advance(-3_600_000);
    expect(clock.now().getTime() - START.getTime()).toBe(1_500 - 3_600_000);
    clock.set(START);
    expect(clock.now()).toEqual(START);
  });

  it('does not move if a test changes a date that it passed or got', () => {
    const start = new Date(START);
    const clock = new ManualClock(start);
    start.setTime(0);
    clock.now().setTime(0);
    expect(clock.now()).toEqual(START);
  });
});
