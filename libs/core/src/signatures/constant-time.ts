import { timingSafeEqual } from 'node:crypto';

/**
 * Returns the index of the first expected value that equals the given one, or -1. It compares all of them, so that the
 * time taken does not reveal which value matched, or how much of it. Lengths are not secret here.
 */
export function indexOfEqual(expected: readonly Uint8Array[], given: Uint8Array): number {
  let found = -1;
  expected.forEach((one, index) => {
    const equal = one.length === given.length && timingSafeEqual(one, given);
    if (equal && found === -1) found = index;
  });
  return found;
}
