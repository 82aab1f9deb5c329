import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { StoreUnavailableError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Release } from './claim.js';
import { LostClaims } from './lost-claims.js';

let now: Date;
let releases: Release[];
let isFailing: boolean;
let lost: LostClaims;

beforeEach(() => {
  jest.useFakeTimers();
  now = new Date('2026-11-23T12:00:00.000Z');
  [releases, isFailing] = [[], false];
  const release = async (given: Release): Promise<void> => {
    releases.push(given);
    if (isFailing) throw new StoreUnavailableError('the disk is full');
  };
  lost = new LostClaims({ store: { release }, clock: { now: () => now }, lease: 'own', kind: 'deliveryIds' });
});
afterEach(() => {
  jest.useRealTimers();
});

const leaseEnd = () => now.getTime() + LIMITS.leaseMs;
const ids = () => releases.map(({ deliveryIds }) => deliveryIds);

/** Lets a second pass for the process and for the lease. */
function passSecond(): void {
  jest.advanceTimersByTime(LIMITS.pollMs);
  now = new Date(now.getTime() + LIMITS.pollMs);
}

describe('LostClaims', () => {
  it('releases claims with the token of the process, and each once', async () => {
    lost.add('a', leaseEnd());
    await lost.release();
    await lost.release();
    expect([releases, lost.count]).toEqual([[{ lease: 'own', messageIds: [], deliveryIds: ['a'] }], 0]);
  });

  it('releases claims once a second while the store fails, and no more after it has worked', async () => {
    isFailing = true;
    lost.add('a', leaseEnd());
    await expect(lost.release()).rejects.toThrow('the disk is full');
    expect(await lost.releaseDue()).toBe(false);
    passSecond();
    await expect(lost.releaseDue()).rejects.toThrow('the disk is full');
    isFailing = false;
    expect(await lost.releaseDue()).toBe(false);
    passSecond();
    expect([await lost.releaseDue(), lost.count]).toEqual([true, 0]);
    passSecond();
    expect([await lost.releaseDue(), ids()]).toEqual([false, [['a'], ['a'], ['a']]]);
  });

  it('releases claims that the store may still write at once, and once a second until their leases have ended', async () => {
    lost.addUnsure('a', leaseEnd());
    expect([await lost.releaseDue(), await lost.releaseDue()]).toEqual([true, false]);
    for (let seconds = 1; seconds < LIMITS.leaseMs / LIMITS.pollMs; seconds += 1) {
      passSecond();
      await lost.releaseDue();
    }
    expect([releases.length, lost.count]).toEqual([LIMITS.leaseMs / LIMITS.pollMs, 1]);
    passSecond();
    expect([await lost.releaseDue(), lost.count]).toEqual([true, 0]);
  });

  it('forgets claims whose leases have ended, also if the store fails', async () => {
    isFailing = true;
    lost.add('a', leaseEnd());
    lost.add('b', leaseEnd() + 1);
    now = new Date(leaseEnd());
    await expect(lost.release()).rejects.toThrow('the disk is full');
    isFailing = false;
    await lost.release();
    expect(ids()).toEqual([['a', 'b'], ['b']]);
  });

  it('keeps a claim that is added while others are released', async () => {
    lost.add('a', leaseEnd());
    const releasing = lost.release();
    lost.add('b', leaseEnd());
    await releasing;
    await lost.release();
    expect(ids()).toEqual([['a'], ['b']]);
  });
});
