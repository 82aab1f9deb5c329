import { describe, expect, it } from '@jest/globals';
import { CallGate } from './call-gate.js';

/** A time that passes only while a call pauses. */
class HeldTime {
  nowMs = 0;
  monotonicMs(): number {
    return this.nowMs;
  }
  async pause(ms: number): Promise<void> {
    this.nowMs += ms;
  }
}

const LIMITS = { concurrency: 2, callsPerSecond: 5 };

describe('CallGate', () => {
  it('starts five calls a second', async () => {
    const time = new HeldTime();
    const gate = new CallGate(LIMITS, time);
    const starts: number[] = [];
    for (let call = 0; call < 6; call++) await gate.run(async () => void starts.push(time.nowMs));
    expect(starts).toEqual([0, 200, 400, 600, 800, 1_000]);
  });

  it('runs two calls at the same time, in order, and frees the place of one that fails', async () => {
    const gate = new CallGate(LIMITS, new HeldTime());
    const events: string[] = [];
    const ends: (() => void)[] = [];
    const calls = [0, 1, 2, 3].map((index) =>
      gate.run(async () => {
        events.push(`start ${index}`);
        await new Promise<void>((resolve) => void ends.push(resolve));
        events.push(`end ${index}`);
        if (index === 0) throw new Error('failed');
      }),
    );
    const results = Promise.allSettled(calls);
    for (let index = 0; index < 4; index++) {
      while (ends[index] === undefined) await Promise.resolve();
      ends[index]?.();
      await Promise.allSettled([calls[index]]);
    }
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
    expect(events).toEqual(['start 0', 'start 1', 'end 0', 'start 2', 'end 1', 'start 3', 'end 2', 'end 3']);
  });
});
