import { randomUUID } from 'node:crypto';

/** A decision of its own: what stores are told besides what was decided. */
export function decided({ id = `dec_${randomUUID()}` as string, by = 'an operator', reason = 'a test' } = {}) {
  return { id, by, reason, details: '{}' };
}
