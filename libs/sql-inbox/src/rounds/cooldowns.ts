import type { SqlDialect } from '../schema/dialect.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import type { CooldownsTable } from '../schema/provider-tables.js';
import { change, statement, type Transaction } from '../schema/statement.js';

/** Finds the end of the cooldown of an account. */
export function findCooldown({ db }: SqlDialect): (host: string, accountId: string) => Transaction<Date | undefined> {
  const find = statement<Omit<CooldownsTable, 'until'>, Pick<CooldownsTable, 'until'>>((value) =>
    db
      .selectFrom('cooldowns')
      .select('until')
      .where('host', '=', value('host'))
      .where('account_id', '=', value('account_id')),
  );
  return function* (host, account_id) {
    const [row] = yield* find({ host, account_id });
    return row && new Date(row.until);
  };
}

/** Saves the end of the cooldown of an account. An end that is stored already and is later stays. */
export function saveCooldown({ db }: SqlDialect): (host: string, accountId: string, until: Date) => Transaction<void> {
  const save = change<NewRow<'cooldowns'>>((value) =>
    db
      .insertInto('cooldowns')
      .values(newRow('cooldowns', value))
      .onConflict((conflict) =>
        conflict
          .columns(['host', 'account_id'])
          .doUpdateSet((eb) => ({ until: eb.ref('excluded.until') }))
          .whereRef('cooldowns.until', '<', 'excluded.until'),
      ),
  );
  return function* (host, account_id, until) {
    yield* save({ host, account_id, until: until.getTime() });
  };
}
