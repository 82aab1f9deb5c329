import type { RefusalCount, SignatureCheck } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import type { RefusalsTable } from '../schema/schema.js';
import { change, statement, type Transaction } from '../schema/statement.js';

/** Adds rejected requests to the sums per source and check. Returns the sources that ever stored a message. */
export function countRefusals({ db }: SqlDialect): (refusals: readonly RefusalCount[]) => Transaction<string[]> {
  const add = change<NewRow<'refusals'>>((value) =>
    db
      .insertInto('refusals')
      .values(newRow('refusals', value))
      .onConflict((conflict) =>
        conflict.columns(['source', 'signature_check']).doUpdateSet((eb) => ({
          requests: eb('refusals.requests', '+', value('requests')),
          latest_at: eb
            .case()
            .when('refusals.latest_at', '<', value('latest_at'))
            .then(value('latest_at'))
            .else(eb.ref('refusals.latest_at'))
            .end(),
        })),
      ),
  );
  const find = statement<{ source: string }, object>((value) =>
    db.selectFrom('message_keys').select('source').where('source', '=', value('source')).limit(1),
  );
  return function* (refusals) {
    // The same order in all processes prevents deadlocks.
    for (const { source, check, requests, latestAt } of [...refusals].sort(bySourceAndCheck)) {
      yield* add({ source, signature_check: check, requests, latest_at: latestAt.getTime() });
    }
    const known: string[] = [];
    for (const source of new Set(refusals.map((refusal) => refusal.source))) {
      if ((yield* find({ source })).length > 0) known.push(source);
    }
    return known;
  };
}

export function listRefusals({ db }: SqlDialect): () => Transaction<RefusalCount[]> {
  const list = statement<object, RefusalsTable>(() => db.selectFrom('refusals').selectAll());
  return function* () {
    const rows = yield* list({});
    const refusals = rows.map(({ source, signature_check, requests, latest_at }) => ({
      source,
      check: signature_check as SignatureCheck,
      requests,
      latestAt: new Date(latest_at),
    }));
    // Sorted here, because the collation of the database may differ.
    return refusals.sort(bySourceAndCheck);
  };
}

function bySourceAndCheck(one: RefusalCount, other: RefusalCount): number {
  if (one.source !== other.source) return one.source < other.source ? -1 : 1;
  return one.check < other.check ? -1 : 1;
}
