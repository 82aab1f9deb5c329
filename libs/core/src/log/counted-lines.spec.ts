import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LIMITS } from '../limits.js';
import { CountedLines } from './counted-lines.js';

const { messageLinesMax: max, messageLinesMs: secondMs } = LIMITS;

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

function counted(): { lines: CountedLines; logged: [string, object | undefined][] } {
  const logged: [string, object | undefined][] = [];
  const never = (): never => {
    throw new Error('not at this level');
  };
  const log = (message: string, fields?: object): void => void logged.push([message, fields]);
  return { lines: new CountedLines({ debug: never, log, warn: never, error: never }, 'accepted'), logged };
}

/** Asks for that many lines, and returns how many are logged. */
function ask(lines: CountedLines, source: string, times: number): number {
  return Array.from({ length: times }, () => lines.isLogged(source)).filter(Boolean).length;
}

describe('CountedLines', () => {
  it('counts the lines of a second beyond the first ones, and logs all again afterwards', () => {
    const { lines, logged } = counted();
    expect(ask(lines, 'dbt', max + 812)).toBe(max);
    expect(logged).toEqual([]);
    jest.advanceTimersByTime(secondMs);
    expect(logged).toEqual([
      [expect.stringMatching(/^Source "dbt": 812 more messages were accepted in \d+ m?s$/), { source: 'dbt' }],
    ]);
    expect(ask(lines, 'dbt', 1)).toBe(1);
  });

  it('logs no count if every line was logged', () => {
    const { lines, logged } = counted();
    expect(ask(lines, 'dbt', max)).toBe(max);
    jest.advanceTimersByTime(secondMs);
    expect(logged).toEqual([]);
  });

  it('counts each source alone', () => {
    const { lines, logged } = counted();
    ask(lines, 'dbt', max + 1);
    expect(ask(lines, 'paradime', max + 2)).toBe(max);
    jest.advanceTimersByTime(secondMs);
    expect(logged.map(([message]) => message.split(' in ')[0])).toEqual([
      'Source "dbt": 1 more message was accepted',
      'Source "paradime": 2 more messages were accepted',
    ]);
  });

  it('logs the counts at once when flushed, and keeps no timer', () => {
    const { lines, logged } = counted();
    ask(lines, 'dbt', max + 3);
    lines.flush();
    lines.flush();
    expect(logged).toHaveLength(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('has no timer while no message arrives', () => {
    const { lines } = counted();
    ask(lines, 'dbt', 1);
    jest.advanceTimersByTime(secondMs);
    expect(jest.getTimerCount()).toBe(0);
  });
});
