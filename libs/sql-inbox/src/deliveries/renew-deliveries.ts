import type { Held, Store } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { change, type Transaction } from '../schema/statement.js';

/** Extends the leases of claimed deliveries. Returns the ids of the deliveries that are still claimed. */
export function renewDeliveries({ db }: SqlDialect): (...args: Parameters<Store['renew']>) => Transaction<string[]> {
  const renew = change<Held & { until: number }>((value) =>
    db
      .updateTable('deliveries')
      .set({ due_at: value('until') })
      .where('id', '=', value('id'))
      .where('lease', '=', value('lease')),
  );
  return function* (held, { now, leaseMs }) {
    const until = now.getTime() + leaseMs;
    const renewed = new Set<Held>();
    // In the order in which attempts are settled, so that neither waits for a row that the other has changed.
    for (const one of [...held].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      if ((yield* renew({ id: one.id, lease: one.lease, until })) > 0) renewed.add(one);
    }
    return held.flatMap((one) => (renewed.has(one) ? [one.id] : []));
  };
}
