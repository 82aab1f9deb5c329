import { beforeEach, describe, expect, it } from '@jest/globals';
import { LIMITS } from '../limits.js';
import { SharedClock } from './shared-clock.js';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 10, 23);

/** The clock of a host, which can be set, and the clock of a server. */
let host: { nowMs: number; elapsedMs: number };
let serverMs: number;
let responseMs: number;
let clock: SharedClock;

function pass(ms: number): void {
  host = { nowMs: host.nowMs + ms, elapsedMs: host.elapsedMs + ms };
  serverMs += ms;
}

beforeEach(() => {
  host = { nowMs: START + HOUR, elapsedMs: 5_000 };
  serverMs = START;
  responseMs = 0;
  const own = { now: () => new Date(host.nowMs), elapsedMs: () => host.elapsedMs };
  const now = async (): Promise<Date> => {
    pass(responseMs / 2);
    const time = new Date(serverMs);
    pass(responseMs / 2);
    return time;
  };
  clock = new SharedClock({ now }, own);
});

describe('the clock of an inbox', () => {
  it("is the host's where the store has none", async () => {
    clock = new SharedClock({}, { now: () => new Date(host.nowMs), elapsedMs: () => host.elapsedMs });
    await clock.adjust();
    host.nowMs += HOUR;
    expect([clock.now().getTime(), clock.ownAheadMs]).toEqual([START + 2 * HOUR, 0]);
  });

  it("is the store's clock after the first response, even if the host's clock is set", async () => {
    expect(clock.now().getTime()).toBe(START + HOUR);
    await clock.adjust();
    pass(1_500);
    expect([clock.now().getTime(), clock.ownAheadMs]).toEqual([START + 1_500, HOUR]);
    host.nowMs -= 3 * HOUR;
    expect([clock.now().getTime(), clock.ownAheadMs]).toEqual([START + 1_500, -2 * HOUR]);
  });

  it('accounts for the duration of a response and ignores a slow one', async () => {
    responseMs = 200;
    await clock.adjust();
    expect(clock.now().getTime()).toBe(serverMs);
    serverMs += HOUR;
    responseMs = LIMITS.clockResponseMsMax + 2;
    await clock.adjust();
    expect(clock.now().getTime()).toBe(serverMs - HOUR);
    responseMs = 200;
    await clock.adjust();
    expect(clock.now().getTime()).toBe(serverMs);
  });

  it('continues if the store fails', async () => {
    await clock.adjust();
    clock = new SharedClock({ now: () => Promise.reject(new Error('gone')) }, clock.own);
    await expect(clock.adjust()).rejects.toThrow('gone');
    expect(clock.now().getTime()).toBe(host.nowMs);
  });
});
