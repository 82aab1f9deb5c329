import type { RunKey } from 'nestjs-runhooks/core';
import type { Expression, ExpressionBuilder, SqlBool } from 'kysely';
import type { Schema } from '../schema/schema.js';

/**
 * Returns whether an action is one on a run, one that started it, or one that a handler of its events asked for. An action without
 * an account is about the run of any account with this id. Each part has an index of its own.
 */
export function isOfRun(
  eb: ExpressionBuilder<Schema, 'actions'>,
  { source, accountId, runId }: RunKey,
): Expression<SqlBool> {
  const isIn = (column: 'account_id' | 'new_account') => eb.or([eb(column, '=', accountId), eb(column, 'is', null)]);
  return eb.or([
    eb.and([eb('asked_source', '=', source), eb('asked_account', '=', accountId), eb('asked_run', '=', runId)]),
    eb.and([eb('source', '=', source), eb('target', '=', runId), eb('kind', '<>', 'trigger'), isIn('account_id')]),
    eb.and([eb('source', '=', source), eb('new_run', '=', runId), isIn('new_account')]),
  ]);
}
