import { describe, expect, it } from '@jest/globals';
import { notReady } from './not-ready.js';

const ENDED_AT = new Date('2026-11-30T03:00:00Z');

function delayAt(seconds: number): number | undefined {
  return notReady('a file', ENDED_AT, new Date(ENDED_AT.getTime() + seconds * 1000))?.delayMs;
}

describe('notReady', () => {
  it('returns growing delays, for ten minutes', () => {
    const looks = [0];
    for (let delayMs = delayAt(0); delayMs !== undefined; delayMs = delayAt(looks.at(-1) ?? 0)) {
      looks.push((looks.at(-1) ?? 0) + delayMs / 1000);
    }
    expect(looks).toEqual([0, 10, 40, 100, 220, 340, 460, 580, 600]);
  });

  it('returns the first delay if the end is in the future', () => {
    expect(delayAt(-60)).toBe(10_000);
  });

  it('returns nothing if the end is unknown', () => {
    expect(notReady('a file', undefined, ENDED_AT)).toBeUndefined();
  });

  it('names what is lacking', () => {
    expect(notReady('run_results.json of command 5', ENDED_AT, ENDED_AT)).toMatchObject({
      code: 'RUNHOOKS_RESULTS_NOT_READY',
      message: 'Paradime: expected run_results.json of command 5, got nothing yet',
    });
  });
});
