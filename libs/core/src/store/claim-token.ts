import { randomUUID } from 'node:crypto';

/**
 * Returns the token of a new claim. It is unique, because a process can claim the same work again. It begins with the lease
 * of the process, so that `Store.register` finds the claims of a process that is gone.
 */
export function claimToken(processLease: string): string {
  return `${processLease}.${randomUUID()}`;
}
