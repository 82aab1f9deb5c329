import type { AddedDeliveries, Held } from 'nestjs-runhooks/core';
import { replayEvents } from '../deliveries/replay-events.js';
import type { SqlDialect } from '../schema/dialect.js';
import type { Transaction } from '../schema/statement.js';
import { deliveryHolder } from './held-delivery.js';

/** Adds deliveries of stored events in the name of a claimed delivery. Returns how many are new. */
export function addDeliveries(
  dialect: SqlDialect,
): (held: Held, replayId: string, events: readonly AddedDeliveries[], now: Date) => Transaction<number | undefined> {
  const hold = deliveryHolder(dialect);
  const add = replayEvents(dialect);
  return function* (held, replayId, events, now) {
    if (!(yield* hold(held))) return undefined;
    // The same order in all processes prevents deadlocks.
    const sorted = [...events].sort((a, b) => (a.eventId < b.eventId ? -1 : 1));
    return yield* add(replayId, sorted, now);
  };
}
