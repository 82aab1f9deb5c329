import { describe, expect, it } from '@jest/globals';
import { checkStuckAfter, type StuckAfter } from '../handlers/subscription.js';
import { LIMITS } from '../limits.js';
import { allowedMs } from './watchdog.js';

const times = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms);

describe('allowedMs', () => {
  it.each<[string, StuckAfter, number[], number | undefined]>([
    ['a fixed time needs no history', { afterMs: 60_000 }, [], 60_000],
    ['no history', { p95Times: 3 }, [], undefined],
    ['a run too few', { p95Times: 3 }, times(9, 100), undefined],
    ['just enough', { p95Times: 3 }, times(10, 100), 300],
    ['enough by the handler', { p95Times: 2, runsMin: 2 }, [100, 200], 400],
    ['one in twenty may take longer', { p95Times: 1 }, [...times(19, 100), 5_000], 100],
    ['one in ten is usual', { p95Times: 1 }, [...times(9, 100), 5_000], 5_000],
    ['in any order', { p95Times: 1 }, [5_000, ...times(19, 100)], 100],
    ['runs that took no time do not count', { p95Times: 3 }, [...times(9, 100), 0, -5], undefined],
    ['whole milliseconds', { p95Times: 1.5, runsMin: 1 }, [101], 152],
  ])('%s', (_, stuck, durations, expected) => {
    expect(allowedMs(stuck, durations)).toBe(expected);
  });

  it('leaves the durations in their order', () => {
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
    // More than are looked at: it could never fire.
    [{ p95Times: 3, runsMin: LIMITS.stuckRunsMax + 1 }, 'Watch.runsMin: expected a number above 0, up to 100, got 101'],
    [{ p95Times: 3, runsMin: 0 }, 'Watch.runsMin: expected a number above 0, up to 100, got 0'],
  ])('refuses %j by the name of the option', (stuck, message) => {
    expect(() => checkStuckAfter('Watch', stuck as StuckAfter)).toThrow(message);
  });

  it.each<StuckAfter>([{ afterMs: 1 }, { p95Times: 0.5 }, { p95Times: 3, runsMin: 100 }])('accepts %j', (stuck) => {
    expect(() => checkStuckAfter('Watch', stuck)).not.toThrow();
  });
});
