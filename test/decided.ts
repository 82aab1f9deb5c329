import { randomUUID } from 'node:crypto';

/** Returns a new operator decision, which stores receive with each operation of an operator. */
export function decided({ id = `dec_${randomUUID()}` as string, by = 'an operator', reason = 'a test' } = {}) {
  return { id, by, reason, details: '{}' };
}
