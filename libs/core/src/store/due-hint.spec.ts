import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LIMITS } from '../limits.js';
import { DueHint } from './due-hint.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('DueHint', () => {
  it('is due at the start, once', () => {
    const hint = new DueHint();
    expect([hint.isDue, hint.take(), hint.isDue, hint.take()]).toEqual([true, true, false, false]);
  });

  it('is due once after a hint, however often it is given', () => {
    const hint = new DueHint();
    hint.take();
    hint.give();
    hint.give();
    expect([hint.take(), hint.take()]).toEqual([true, false]);
  });

  it('keeps a hint that is given during a look', () => {
    const hint = new DueHint();
    expect(hint.take()).toBe(true);
    hint.give();
    expect(hint.take()).toBe(true);
  });

  it('is due a second after the last look without any hint', () => {
    const hint = new DueHint();
    hint.take();
    for (let looks = 0; looks < 3; looks += 1) {
      jest.advanceTimersByTime(LIMITS.pollMs - 1);
      expect(hint.take()).toBe(false);
      jest.advanceTimersByTime(1);
      expect(hint.take()).toBe(true);
    }
  });

  it('counts the second from a look that a hint led to', () => {
    const hint = new DueHint();
    hint.take();
    jest.advanceTimersByTime(LIMITS.pollMs - 1);
    hint.give();
    hint.take();
    jest.advanceTimersByTime(LIMITS.pollMs - 1);
    expect(hint.isDue).toBe(false);
  });
});
