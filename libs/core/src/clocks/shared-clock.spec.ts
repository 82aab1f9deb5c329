import { beforeEach, describe, expect, it } from '@jest/globals';
import { LIMITS } from '../limits.js';
import { SharedClock } from './shared-clock.js';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 10, 23);

/** The clock of a host that somebody may set, and the one of a server; time passes for both. */
let host: { nowMs: number; elapsedMs: number };
let serverMs: number;
let answerMs: number;
let clock: SharedClock;

function pass(ms: number): void {
  host = { nowMs: host.nowMs + ms, elapsedMs: host.elapsedMs + ms };
  serverMs += ms;
}

beforeEach(() => {
  host = { nowMs: START + HOUR, elapsedMs: 5_000 };
  serverMs = START;
  answerMs = 0;
  const own = { now: () => new Date(host.nowMs), elapsedMs: () => host.elapsedMs };
  const now = async (): Promise<Date> => {
    pass(answerMs / 2);
    const told = new Date(serverMs);
    pass(answerMs / 2);
    return told;
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

  it("is the store's from the first answer on, whatever the host's is set to", async () => {
    expect(clock.now().getTime()).toBe(START + HOUR);
    await clock.adjust();
    pass(1_500);
    expect([clock.now().getTime(), clock.ownAheadMs]).toEqual([START + 1_500, HOUR]);
    host.nowMs -= 3 * HOUR;
    expect([clock.now().getTime(), clock.ownAheadMs]).toEqual([START + 1_500, -2 * HOUR]);
  });

  it('takes the time that an answer takes into account, and not one that took too long', async () => {
    answerMs = 200;
    await clock.adjust();
    expect(clock.now().getTime()).toBe(serverMs);
    serverMs += HOUR;
    answerMs = LIMITS.clockResponseMsMax + 2;
    await clock.adjust();
    expect(clock.now().getTime()).toBe(serverMs - HOUR);
    answerMs = 200;
    await clock.adjust();
    expect(clock.now().getTime()).toBe(serverMs);
  });

  it('goes on where the store fails', async () => {
    await clock.adjust();
    clock = new SharedClock({ now: () => Promise.reject(new Error('gone')) }, clock.own);
    await expect(clock.adjust()).rejects.toThrow('gone');
    expect(clock.now().getTime()).toBe(host.nowMs);
  });
});
