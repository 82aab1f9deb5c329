import { describe, expect, it } from '@jest/globals';
import { NEST_LIMITS } from '../limits.js';
import { HeldBodies } from './held-bodies.js';

describe('HeldBodies', () => {
  it('rejects requests and bytes beyond its limits until others are released', () => {
    const bodies = new HeldBodies({ requestsMax: 2, bytesMax: 10 });
    const [first, second] = [bodies.hold()!, bodies.hold()!];
    expect(bodies.hold()).toBeUndefined();
    expect([first.resize(6), second.resize(5), second.resize(4), first.resize(7)]).toEqual([true, false, true, false]);
    expect(bodies.held).toEqual({ requests: 2, bytes: 10 });
    first.release();
    first.release();
    expect(bodies.held).toEqual({ requests: 1, bytes: 4 });
    expect(second.resize(10)).toBe(true);
    expect(bodies.hold()).toBeDefined();
  });

  it('does not count bytes of a body that was released', () => {
    const bodies = new HeldBodies({ requestsMax: 1, bytesMax: 10 });
    const held = bodies.hold()!;
    held.release();
    expect(held.resize(99)).toBe(true);
    expect(bodies.held).toEqual({ requests: 0, bytes: 0 });
  });

  it('has room for one body of the largest size that a source accepts', () => {
    const bodyBytesMax = 2 * NEST_LIMITS.bodiesHeldBytesMax;
    expect(HeldBodies.of([{ bodyBytesMax }]).hold()!.resize(bodyBytesMax)).toBe(true);
    expect(
      HeldBodies.of([{ bodyBytesMax: 1 }])
        .hold()!
        .resize(NEST_LIMITS.bodiesHeldBytesMax + 1),
    ).toBe(false);
  });
});
