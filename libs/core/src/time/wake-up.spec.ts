import { describe, expect, it } from '@jest/globals';
import { WakeUp } from './wake-up.js';

const LONG = 60_000;

describe('WakeUp', () => {
  it('returns true when it is woken during the sleep', async () => {
    const wakeUp = new WakeUp();
    wakeUp.reset();
    const sleep = wakeUp.wait(LONG);
    wakeUp.now();
    expect(await sleep).toBe(true);
  });

  it('returns false when the time has passed', async () => {
    const wakeUp = new WakeUp();
    wakeUp.reset();
    expect(await wakeUp.wait(1)).toBe(false);
  });

  it('keeps a wake-up that came before the sleep', async () => {
    const wakeUp = new WakeUp();
    wakeUp.reset();
    wakeUp.now();
    expect(await wakeUp.wait(LONG)).toBe(true);
  });

  it('keeps a wake-up until it is reset', async () => {
    const wakeUp = new WakeUp();
    wakeUp.now();
    wakeUp.now();
    expect(await wakeUp.wait(LONG)).toBe(true);
    expect(await wakeUp.wait(LONG)).toBe(true);
    wakeUp.reset();
    expect(await wakeUp.wait(1)).toBe(false);
  });

  it('sleeps again after it was woken', async () => {
    const wakeUp = new WakeUp();
    for (let nights = 0; nights < 3; nights++) {
      wakeUp.reset();
      const sleep = wakeUp.wait(LONG);
      wakeUp.now();
      expect(await sleep).toBe(true);
    }
  });

  it('keeps the process alive only while it waits', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const wakeUp = new WakeUp();
    const waiting = wakeUp.wait(60_000);
    expect(timers()).toBe(before + 1);
    wakeUp.now();
    await waiting;
    expect(timers()).toBe(before);
  });
});
