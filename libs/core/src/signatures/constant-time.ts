import { timingSafeEqual } from 'node:crypto';

/**
 * Position of the first expected value equal to the given one, or -1. Compares with every one of them, so that the
 * time taken says nothing about which matched or how much of it. Lengths are not secret here.
 */
export function indexOfEqual(expected: readonly Uint8Array[], given: Uint8Array): number {
  let found = -1;
  for (const [index, one] of expected.entries()) {
    const equal = one.length === given.length && timingSafeEqual(one, given);
    if (equal && found === -1) found = index;
  }
  return found;
}
