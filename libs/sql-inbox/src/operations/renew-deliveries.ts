import type { Held, Store } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../dialect.js';
import { statement, type Transaction } from '../statement.js';

/** Moves the end of the leases of claimed deliveries. Answers those that are still held. */
export function renewDeliveries({ db }: SqlDialect): (...args: Parameters<Store['renew']>) => Transaction<string[]> {
  const renew = statement<Held & { until: number }, { id: string }>((value) =>
    db
      .updateTable('deliveries')
      .set({ due_at: value('until') })
      .where('id', '=', value('id'))
      .where('lease', '=', value('lease'))
      .returning('id'),
  );
  return function* (held, { now, leaseMs }) {
    const until = now.getTime() + leaseMs;
    const ids: string[] = [];
    for (const { id, lease } of held) {
      const [row] = yield* renew({ id, lease, until });
      if (row) ids.push(row.id);
    }
    return ids;
  };
}
