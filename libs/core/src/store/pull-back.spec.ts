import { describe, expect, it } from '@jest/globals';
import { LIMITS } from '../limits.js';
import { soonerDueAtMs } from './pull-back.js';

const NOW = Date.UTC(2026, 10, 23);
const YEAR = 365 * 24 * 3_600_000;
const { leaseMs, clockSkewMs, clockStepMs, dueAheadMsMax } = LIMITS;

const sooner = (dueAtMs: number, fields: { isHeld?: boolean; isWaiting?: boolean; failedAtMs?: number } = {}) =>
  soonerDueAtMs({ dueAtMs, isHeld: false, ...fields }, NOW, leaseMs);

describe('soonerDueAtMs', () => {
  it('keeps a possible lease, and ends an impossible one within a lease from now', () => {
    const latest = NOW + leaseMs + clockSkewMs;
    expect(sooner(latest, { isHeld: true })).toBeUndefined();
    expect(sooner(latest + 1, { isHeld: true })).toBe(NOW + leaseMs);
    expect(sooner(NOW + 2 * YEAR, { isHeld: true, failedAtMs: NOW })).toBe(NOW + leaseMs);
  });

  it('makes a delivery without an attempt due now', () => {
    expect(sooner(NOW + 1)).toBe(NOW);
    expect(sooner(NOW + 2 * YEAR)).toBe(NOW);
  });

  it('keeps the delay of a retry, up to the longest possible delay', () => {
    expect(sooner(NOW + dueAheadMsMax, { failedAtMs: NOW })).toBeUndefined();
    expect(sooner(NOW + dueAheadMsMax, { failedAtMs: NOW - YEAR })).toBeUndefined();
    expect(sooner(NOW + dueAheadMsMax, { failedAtMs: NOW + clockStepMs })).toBeUndefined();
  });

  it('keeps the time of a delivery that waits, up to the longest cooldown of an API', () => {
    const latest = NOW + clockSkewMs + LIMITS.apiCooldownMsMax;
    expect(sooner(latest, { isWaiting: true })).toBeUndefined();
    expect(sooner(latest + 1, { isWaiting: true, failedAtMs: NOW })).toBe(NOW);
  });

  it('counts the delay of a retry from now if its attempt ended in the future, and only once', () => {
    const failedAtMs = NOW + 2 * YEAR;
    const delayMs = 3_600_000;
    expect(sooner(failedAtMs + delayMs, { failedAtMs })).toBe(NOW + delayMs);
    expect(sooner(NOW + delayMs, { failedAtMs })).toBeUndefined();
    expect(sooner(failedAtMs, { failedAtMs })).toBe(NOW);
  });

  it('makes no retry wait longer than twice its delay', () => {
    const delayMs = 3_600_000;
    for (const aheadMs of [clockStepMs, delayMs / 2, delayMs, delayMs + 1, 2 * delayMs]) {
      const failedAtMs = NOW + aheadMs;
      const dueAtMs = sooner(failedAtMs + delayMs, { failedAtMs }) ?? failedAtMs + delayMs;
      expect(dueAtMs - NOW).toBeGreaterThanOrEqual(delayMs);
      expect(dueAtMs - NOW).toBeLessThanOrEqual(2 * delayMs);
    }
  });
});
