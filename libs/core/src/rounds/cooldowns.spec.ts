import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { StoreUnavailableError } from '../errors.js';
import type { RoundStore } from '../store/round-store.js';
import { timers } from '../time/timers.js';
import { Cooldowns } from './cooldowns.js';

const NOW = new Date('2026-10-05T00:00:00.000Z');
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

function inMs(ms: number): Date {
  return new Date(NOW.getTime() + ms);
}

describe('the cooldowns of a process', () => {
  let stored: Date | undefined;
  let isFailing = false;
  let cooldowns: Cooldowns;
  let elapsedMs = 0;

  beforeEach(() => {
    [stored, isFailing, elapsedMs] = [undefined, false, 0];
    jest.spyOn(timers, 'monotonicMs').mockImplementation(() => elapsedMs);
    const store = {
      cooldownUntil: () => Promise.resolve(stored),
      coolDown: (_host: string, _account: string, until: Date) => {
        if (isFailing) return Promise.reject(new StoreUnavailableError('the disk is full'));
        stored = until;
        return Promise.resolve();
      },
    } as Partial<RoundStore> as RoundStore;
    cooldowns = new Cooldowns(store, { now: () => NOW });
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const until = (): Promise<Date | undefined> => cooldowns.cooldownUntil('host', '1');

  it('hold in the process that found them if they cannot be stored', async () => {
    isFailing = true;
    await expect(cooldowns.coolDown('host', '1', inMs(5 * SECOND))).rejects.toThrow(StoreUnavailableError);
    elapsedMs += 2 * SECOND;
    expect(await until()).toEqual(inMs(5 * SECOND));
  });

  it('end later if another process has stored a later time', async () => {
    await cooldowns.coolDown('host', '1', inMs(5 * SECOND));
    stored = inMs(6 * SECOND);
    elapsedMs += 2 * SECOND;
    expect(await until()).toEqual(inMs(6 * SECOND));
  });

  it('are asked for once a second', async () => {
    expect(await until()).toBeUndefined();
    stored = inMs(5 * SECOND);
    elapsedMs += SECOND - 1;
    expect(await until()).toBeUndefined();
    elapsedMs += 1;
    expect(await until()).toEqual(inMs(5 * SECOND));
  });

  it('replace a time that a clock which was ahead has left in this process', async () => {
    await cooldowns.coolDown('host', '1', inMs(24 * HOUR));
    await cooldowns.coolDown('host', '1', inMs(5 * SECOND));
    expect(await until()).toEqual(inMs(5 * SECOND));
  });
});
