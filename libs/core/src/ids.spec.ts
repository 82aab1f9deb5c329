import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { IdSequence } from './ids.js';

const noon = new Date('2026-11-23T12:00:00.000Z');
const partsOf = (id: string) => /^(msg|dlv)_([0-9a-f]{12})([0-9a-f]{4})([0-9a-f]{16})$/.exec(id)?.slice(1) ?? [];

describe('IdSequence', () => {
  it('returns an id of a prefix, the time, a count and random bits, always 36 characters long', () => {
    const ids = new IdSequence();
    const [prefix, time, count] = partsOf(ids.next('msg', noon));
    expect([prefix, Number.parseInt(time as string, 16), count]).toEqual(['msg', noon.getTime(), '0000']);
    expect(ids.next('dlv', new Date(1))).toHaveLength(36);
  });

  it('increases within a millisecond, over time, and when the clock steps back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5_000, max: 5_000 }), { maxLength: 200 }), (steps) => {
        const ids = new IdSequence();
        const made = steps.map((step) => ids.next('msg', new Date(noon.getTime() + step)));
        expect([...made].sort()).toEqual(made);
        expect(new Set(made).size).toBe(made.length);
      }),
    );
  });

  it('borrows the next millisecond if the count is full', () => {
    const ids = new IdSequence();
    let last = '';
    for (let i = 0; i < 70_000; i++) {
      const id = ids.next('dlv', noon);
      if (id <= last) throw new Error(`${id} came after ${last}`);
      last = id;
    }
    const [, time, count] = partsOf(last);
    expect(Number.parseInt(time as string, 16)).toBe(noon.getTime() + 1);
    expect(Number.parseInt(count as string, 16)).toBe(70_000 - 65_536 - 1);
  });

  it('never uses random bits twice, in one sequence or in two at the same moment', () => {
    const [one, other] = [new IdSequence(), new IdSequence()];
    const random = Array.from({ length: 2_000 }, () =>
      [one, other].map((ids) => partsOf(ids.next('msg', noon))[3]),
    ).flat();
    expect(new Set(random).size).toBe(4_000);
  });
});
