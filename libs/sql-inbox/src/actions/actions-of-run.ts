import type { RunKey } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';

/**
 * Selects the keys of actions on a run, of actions that started it, and of actions that handlers of its events asked for. An action
 * without an account is about the run of any account with this id.
 */
export function actionsOfRun(db: SqlDialect['db'], { source, accountId, runId }: RunKey) {
  const select = db.selectFrom('actions').select(['source', 'action_key']);
  return select
    .where('asked_source', '=', source)
    .where('asked_account', '=', accountId)
    .where('asked_run', '=', runId)
    .union(
      select
        .where('source', '=', source)
        .where('target', '=', runId)
        .where('kind', '<>', 'trigger')
        .where((eb) => eb.or([eb('account_id', '=', accountId), eb('account_id', 'is', null)])),
    )
    .union(
      select
        .where('source', '=', source)
        .where('new_run', '=', runId)
        .where((eb) => eb.or([eb('new_account', '=', accountId), eb('new_account', 'is', null)])),
    );
}
