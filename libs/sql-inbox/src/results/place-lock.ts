import { placeOf, type ScopeKey } from 'nestjs-runhooks/core';

/**
 * Returns the name of the lock that is held while nodes of a place are decided about. A transaction takes it before it locks
 * rows, as `record` does with its locks, and then locks the message, the delivery, and rows of results and nodes. It takes
 * no other named lock, so that no two transactions wait for each other.
 */
export function placeLock({ source, scope }: ScopeKey): string {
  return `nodes ${source} ${placeOf(scope)}`;
}
