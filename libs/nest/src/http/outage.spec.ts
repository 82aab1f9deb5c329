import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { LIMITS } from 'nestjs-runhooks/core';
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
      trouble: 'is responding with 503',
      over: 'accepts webhooks again; responses with 503 in between',
      code: 'RUNHOOKS_RESPONDING_503',
      quietMs: LIMITS.outageQuietMs,
      logger: { debug: log, log, warn: log, error: log },
    });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const refuse = (reason: string): void => outage.note(reason);

  it('says each reason once, also where two alternate', () => {
    for (let turn = 0; turn < 5; turn += 1) {
      refuse('too many wait');
      refuse('the server cannot be reached');
    }
    expect(lines).toEqual([
      expect.stringContaining('is responding with 503: too many wait'),
      expect.stringContaining('is responding with 503: the server cannot be reached'),
    ]);
  });

  it('says no more than a few reasons, whatever their texts, and how many requests there were while it goes on', () => {
    for (let pid = 0; pid < 1_000; pid += 1) refuse(`a lock is held by process ${pid}`);
    expect(lines).toHaveLength(LIMITS.outageReasonsMax);
    jest.advanceTimersByTime(LIMITS.refusalEveryMs);
    refuse('a lock is held by process 1');
    refuse('a lock is held by process 2');
    expect(lines.slice(LIMITS.outageReasonsMax)).toEqual([
      'source "dbt" still is responding with 503: 1001 requests so far. a lock is held by process 1',
    ]);
  });

  it('goes on while messages are stored beside those that are refused, as where too many wait', () => {
    for (let turn = 0; turn < 5; turn += 1) {
      refuse('too many wait');
      jest.advanceTimersByTime(LIMITS.outageQuietMs / 2);
      outage.end();
    }
    expect(lines).toEqual([expect.stringContaining('too many wait')]);
    jest.advanceTimersByTime(LIMITS.outageQuietMs / 2);
    outage.end();
    outage.end();
    expect(lines).toHaveLength(2);
    expect(lines[1]).toBe('Source "dbt" accepts webhooks again; responses with 503 in between: 5');
    refuse('too many wait');
    expect(lines).toHaveLength(3);
  });
});
