import { describe, expect, it } from '@jest/globals';
import { checkStuckAfter, type StuckAfter } from '../handlers/subscription.js';
import { LIMITS } from '../limits.js';
import { allowedMs } from './watchdog.js';

const times = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms);

describe('allowedMs', () => {
  it.each<[string, StuckAfter, number[], number | undefined]>([
    ['returns the fixed time without durations', { afterMs: 60_000 }, [], 60_000],
    ['returns undefined without durations', { p95Times: 3 }, [], undefined],
    ['returns undefined with one run too few', { p95Times: 3 }, times(9, 100), undefined],
    ['returns a multiple with exactly enough runs', { p95Times: 3 }, times(10, 100), 300],
    ['uses the number of runs that the handler needs', { p95Times: 2, runsMin: 2 }, [100, 200], 400],
    ['ignores one long run of twenty', { p95Times: 1 }, [...times(19, 100), 5_000], 100],
    ['counts one long run of ten', { p95Times: 1 }, [...times(9, 100), 5_000], 5_000],
    ['accepts durations in any order', { p95Times: 1 }, [5_000, ...times(19, 100)], 100],
    ['ignores durations of 0 or less', { p95Times: 3 }, [...times(9, 100), 0, -5], undefined],
    ['returns an integer', { p95Times: 1.5, runsMin: 1 }, [101], 152],
  ])('%s', (_, stuck, durations, expected) => {
    expect(allowedMs(stuck, durations)).toBe(expected);
  });

  it('does not reorder the durations', () => {
    const durations = [3, 1, 2];
    allowedMs({ p95Times: 1, runsMin: 1 }, durations);
    expect(durations).toEqual([3, 1, 2]);
  });
});

describe('checkStuckAfter', () => {
  it.each<[object, string]>([
    [{ afterMs: 0 }, 'Watch.afterMs: expected a number above 0, up to 31622400000, got 0'],
    [{ afterMs: -1 }, 'Watch.afterMs: expected a number above 0, up to 31622400000, got -1'],
    [{ afterMs: NaN }, 'Watch.afterMs: expected a number above 0, up to 31622400000, got NaN'],
    [{ afterMs: Infinity }, 'Watch.afterMs: expected a number above 0, up to 31622400000, got Infinity'],
    [{ afterMs: LIMITS.dueAheadMsMax + 1 }, 'Watch.afterMs'],
    [{ afterMs: '60' }, 'Watch.afterMs: expected a number above 0, up to 31622400000, got 60'],
    [{ afterMs: undefined }, 'Watch.afterMs: expected a number above 0, up to 31622400000, got undefined'],
    [{}, 'Watch: expected afterMs or p95Times, got neither'],
    [{ runsMin: 5 }, 'Watch: expected afterMs or p95Times, got neither'],
    [{ p95Times: undefined }, 'Watch: expected afterMs or p95Times, got neither'],
    [{ p95Times: 0 }, 'Watch.p95Times: expected a number above 0, up to 100, got 0'],
    [{ p95Times: 1e300 }, 'Watch.p95Times'],
    // The store returns fewer durations, so this could never match.
    [{ p95Times: 3, runsMin: LIMITS.stuckRunsMax + 1 }, 'Watch.runsMin: expected a number above 0, up to 100, got 101'],
    [{ p95Times: 3, runsMin: 0 }, 'Watch.runsMin: expected a number above 0, up to 100, got 0'],
  ])('throws for %j, with the name of the option', (stuck, message) => {
    expect(() => checkStuckAfter('Watch', stuck as StuckAfter)).toThrow(message);
  });

  it.each<StuckAfter>([{ afterMs: 1 }, { p95Times: 0.5 }, { p95Times: 3, runsMin: 100 }])('accepts %j', (stuck) => {
    expect(() => checkStuckAfter('Watch', stuck)).not.toThrow();
  });
});
