import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { NEST_LIMITS } from '../limits.js';
import { BodyTimer, type TimedBody } from './body-timer.js';

const { bodyReadMs, bodyCheckMs } = NEST_LIMITS;

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** Starts a body that notes its name when its time is up. */
function start(timer: BodyTimer, name: string, over: string[]): TimedBody {
  const body = { timeUp: () => void over.push(name) };
  timer.start(body);
  return body;
}

describe('BodyTimer', () => {
  it('gives each body its whole time, whenever it starts, and at most one check more', () => {
    const [timer, over]: [BodyTimer, string[]] = [new BodyTimer(), []];
    start(timer, 'first', over);
    jest.advanceTimersByTime(bodyCheckMs - 1);
    start(timer, 'second', over);
    jest.advanceTimersByTime(bodyReadMs);
    expect(over).toEqual([]);
    jest.advanceTimersByTime(bodyCheckMs);
    expect(over).toEqual(['first', 'second']);
  });

  it('ends a body once, and none that was stopped', () => {
    const [timer, over]: [BodyTimer, string[]] = [new BodyTimer(), []];
    timer.stop(start(timer, 'stopped', over));
    start(timer, 'slow', over);
    jest.advanceTimersByTime(5 * bodyReadMs);
    expect(over).toEqual(['slow']);
  });

  it('has one timer for all bodies, and none without a body', () => {
    const [timer, over]: [BodyTimer, string[]] = [new BodyTimer(), []];
    const bodies = ['a', 'b', 'c'].map((name) => start(timer, name, over));
    expect(jest.getTimerCount()).toBe(1);
    for (const body of bodies) timer.stop(body);
    jest.advanceTimersByTime(bodyCheckMs);
    expect(jest.getTimerCount()).toBe(0);
    start(timer, 'later', over);
    jest.advanceTimersByTime(bodyReadMs - 1);
    expect(over).toEqual([]);
    jest.advanceTimersByTime(1 + bodyCheckMs);
    expect(over).toEqual(['later']);
  });
});
