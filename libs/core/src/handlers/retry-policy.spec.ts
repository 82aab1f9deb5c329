import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PermanentError, RetryLater } from '../errors.js';
import { LIMITS } from '../limits.js';
import { afterFailure, DEFAULT_RETRY, type RetryPolicy } from './retry-policy.js';

const FAILURE = new Error('did not work');
const policy = (changes: Partial<RetryPolicy> = {}): RetryPolicy => ({
  attemptsMax: 5,
  delayMs: 1_000,
  delayMsMax: 60_000,
  ...changes,
});
/** The largest number that Math.random can return. */
const ALMOST_ONE = 1 - 2 ** -53;

const anyPolicy = fc.record({
  attemptsMax: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  delayMs: fc.integer({ min: 0, max: LIMITS.dueAheadMsMax }),
  delayMsMax: fc.integer({ min: 0, max: LIMITS.dueAheadMsMax }),
});
const anyAttempt = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }));
const anyRandom = fc.double({ min: 0, max: ALMOST_ONE, noNaN: true });

describe('afterFailure', () => {
  it('returns dead at the last attempt and not before it', () => {
    fc.assert(
      fc.property(anyPolicy, anyAttempt, anyRandom, (retry, attempt, random) => {
        const after = afterFailure(retry, attempt, FAILURE, () => random);
        expect(after === 'dead').toBe(attempt >= retry.attemptsMax);
      }),
    );
  });

  it('returns integer milliseconds within both bounds for any number of failures', () => {
    fc.assert(
      fc.property(anyPolicy, anyAttempt, anyRandom, (retry, attempt, random) => {
        const after = afterFailure({ ...retry, attemptsMax: Infinity }, attempt, FAILURE, () => random);
        expect(Number.isSafeInteger(after)).toBe(true);
        expect(after).toBeGreaterThanOrEqual(0);
        expect(after).toBeLessThanOrEqual(
          Math.min(retry.delayMsMax, retry.delayMs * 2 ** Math.min(attempt - 1, 1_000)),
        );
      }),
    );
  });

  it('returns zero without a delay for any number of failures', () => {
    const after = (attempt: number) => afterFailure(policy({ attemptsMax: 10_000, delayMs: 0 }), attempt, FAILURE);
    expect([after(1), after(60), after(2_000)]).toEqual([0, 0, 0]);
  });

  it.each([
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [7, 60_000],
    [2_000, 60_000],
  ])('returns a random delay from zero to the doubled bound: attempt %i, below %i ms', (attempt, bound) => {
    const after = (random: number) => afterFailure(policy({ attemptsMax: 10_000 }), attempt, FAILURE, () => random);
    expect([after(0), after(0.5), after(ALMOST_ONE)]).toEqual([0, bound / 2, bound - 1]);
  });

  it('returns dead at once for a PermanentError', () => {
    expect(afterFailure(policy(), 1, new PermanentError('no such thing'))).toBe('dead');
  });

  it.each([
    ['as asked', 90_000, 90_000],
    ['longer than delayMsMax', 3_600_000, 3_600_000],
    ['in whole milliseconds', 1.9, 1],
    ['not back in time', -1, 0],
    ['no further ahead than anything may be', Number.MAX_SAFE_INTEGER, LIMITS.dueAheadMsMax],
    ['no further ahead than anything may be', Infinity, LIMITS.dueAheadMsMax],
    ['not back in time', -Infinity, 0],
  ])('returns the delay of a RetryLater %s: %d', (_, delayMs, waits) => {
    expect(afterFailure(policy(), 1, new RetryLater(delayMs))).toBe(waits);
  });

  it.each([
    ['NaN', Number.NaN],
    ['a text, as of a Retry-After header', '120' as unknown as number],
    ['undefined', undefined as unknown as number],
  ])('treats a RetryLater without a valid delay as any other failure: %s', (_, delayMs) => {
    expect(afterFailure(policy(), 3, new RetryLater(delayMs), () => 0.5)).toBe(2_000);
  });

  it('counts an attempt with a RetryLater as any other', () => {
    expect(afterFailure(policy(), 5, new RetryLater(10))).toBe('dead');
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a text', 'permanent-error'],
    ['a symbol', Symbol('thrown')],
    ['an object without a prototype', Object.create(null) as object],
    ['a revoked proxy', revokedProxy()],
    ['a RetryLater whose traps throw', new Proxy(new RetryLater(10), { get: trap })],
    ['a function', () => undefined],
  ])('treats any thrown value as an ordinary failure: %s', (_, thrown) => {
    expect(afterFailure(policy(), 1, thrown, () => 0.5)).toBe(500);
  });

  it('retries for about nine hours by default', () => {
    let waited = 0;
    for (let attempt = 1; attempt < DEFAULT_RETRY.attemptsMax; attempt++) {
      waited += afterFailure(DEFAULT_RETRY, attempt, FAILURE, () => 0.5) as number;
    }
    expect(waited / 3_600_000).toBeGreaterThan(8);
    expect(waited / 3_600_000).toBeLessThan(12);
  });
});

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function trap(): never {
  throw new Error('not to be looked at');
}
