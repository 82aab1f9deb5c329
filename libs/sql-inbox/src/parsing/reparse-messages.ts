import type { Reparse, Decision } from 'nestjs-runhooks/core';
import { IS_RARE_MESSAGE } from '../rows/rare-states.js';
import { recordDecision } from '../rows/record-decision.js';
import type { SqlDialect } from '../schema/dialect.js';
import { AT_ONCE } from '../schema/due.js';
import { command, type Transaction } from '../schema/statement.js';

/**
 * Makes messages in rare states `stored` again, due now. Parsed messages stay as they are, so that the totals do not change.
 */
export function reparseMessages(dialect: SqlDialect) {
  const { db, isOneOf, list } = dialect;
  const recordDecided = recordDecision(dialect);
  return function* (
    { messageIds, states, withoutHandlers }: Reparse,
    decision: Decision,
    now: Date,
  ): Transaction<number> {
    let reparse = db
      .updateTable('messages')
      .set({ state: 'stored', reason: null, notes: null, claims: 0 })
      .set({ without_handlers: withoutHandlers ? 1 : 0, due_at: AT_ONCE, lease: null })
      .where((eb) => isOneOf(eb.ref('state'), list(states)))
      .where('state', '<>', 'erased')
      .where(IS_RARE_MESSAGE);
    if (messageIds) reparse = reparse.where((eb) => isOneOf(eb.ref('id'), list(messageIds)));
    const reparsed = yield* command(reparse);
    yield* recordDecided('reparse', decision, reparsed, now);
    return reparsed;
  };
}
