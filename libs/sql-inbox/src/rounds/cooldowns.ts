import { LIMITS } from 'nestjs-runhooks/internal';
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

/**
 * Saves the end of the cooldown of an account. An end that is stored already and is later stays, unless it is later by more than
 * any cooldown lasts: a clock that was ahead has stored it.
 */
export function saveCooldown({ db }: SqlDialect): (host: string, accountId: string, until: Date) => Transaction<void> {
  const save = change<NewRow<'cooldowns'>>((value) =>
    db
      .insertInto('cooldowns')
      .values(newRow('cooldowns', value))
      .onConflict((conflict) =>
        conflict
          .columns(['host', 'account_id'])
          .doUpdateSet((eb) => ({ until: eb.ref('excluded.until') }))
          .where((eb) => {
            const apart = eb('cooldowns.until', '-', eb.ref('excluded.until'));
            return eb.or([eb(apart, '<', 0), eb(apart, '>', LIMITS.apiCooldownMsMax)]);
          }),
      ),
  );
  return function* (host, account_id, until) {
    yield* save({ host, account_id, until: until.getTime() });
  };
}
