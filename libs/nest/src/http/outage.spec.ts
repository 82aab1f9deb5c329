import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LIMITS } from 'nestjs-runhooks/internal';
import { NEST_LIMITS } from '../limits.js';
import { Outage } from './outage.js';

describe('Outage', () => {
  let lines: string[];
  let outage: Outage;

  beforeEach(() => {
    jest.useFakeTimers();
    lines = [];
    const log = (line: string): void => void lines.push(line);
    outage = new Outage({
      source: 'dbt',
      trouble: 'responding with 503',
      over: (requests) => `accepts webhooks again after ${requests} responses with 503`,
      code: 'RUNHOOKS_RESPONDING_503',
      quietMs: NEST_LIMITS.outageQuietMs,
      logger: { debug: log, log, warn: log, error: log },
    });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const reject = (reason: string): void => outage.note(reason);

  it('logs each reason once, even if two alternate', () => {
    for (let turn = 0; turn < 5; turn += 1) {
      reject('too many bodies');
      reject('the server cannot be reached');
    }
    expect(lines).toEqual([
      expect.stringContaining('is responding with 503: too many bodies'),
      expect.stringContaining('is responding with 503: the server cannot be reached'),
    ]);
  });

  it('logs only a few reasons, and then the number of requests every few minutes', () => {
    for (let pid = 0; pid < 1_000; pid += 1) reject(`a lock is held by process ${pid}`);
    expect(lines).toHaveLength(LIMITS.outageReasonsMax);
    jest.advanceTimersByTime(LIMITS.refusalEveryMs);
    reject('a lock is held by process 1');
    reject('a lock is held by process 2');
    expect(lines.slice(LIMITS.outageReasonsMax)).toEqual([
      'Source "dbt" is still responding with 503: 1001 requests so far. a lock is held by process 1',
    ]);
  });

  it('ends after a time without failures, not at the first request that succeeds', () => {
    for (let turn = 0; turn < 5; turn += 1) {
      reject('too many bodies');
      jest.advanceTimersByTime(NEST_LIMITS.outageQuietMs / 2);
      outage.end();
    }
    expect(lines).toEqual([expect.stringContaining('too many bodies')]);
    jest.advanceTimersByTime(NEST_LIMITS.outageQuietMs / 2);
    outage.end();
    outage.end();
    expect(lines).toHaveLength(2);
    expect(lines[1]).toBe('Source "dbt" accepts webhooks again after 5 responses with 503');
    reject('too many bodies');
    expect(lines).toHaveLength(3);
  });
});
