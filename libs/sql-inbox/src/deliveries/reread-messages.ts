import type { Reread, Decision } from 'nestjs-runhooks/core';
import { recordDecision } from '../rows/record-decision.js';
import type { SqlDialect } from '../schema/dialect.js';
import { AT_ONCE } from '../schema/due.js';
import { command, type Transaction } from '../schema/statement.js';

/** Makes settled messages `stored` again, due at once. */
export function rereadMessages(dialect: SqlDialect) {
  const { db, isOneOf, list } = dialect;
  const recordDecided = recordDecision(dialect);
  return function* ({ messageIds, states, quiet }: Reread, decision: Decision, now: Date): Transaction<number> {
    let reread = db
      .updateTable('messages')
      .set({ state: 'stored', reason: null, notes: null, reads: 0 })
      .set({ quiet: quiet ? 1 : 0, due_at: AT_ONCE, lease: null })
      .where((eb) => isOneOf(eb.ref('state'), list(states)))
      .where('state', '<>', 'erased');
    if (messageIds) reread = reread.where((eb) => isOneOf(eb.ref('id'), list(messageIds)));
    const again = yield* command(reread);
    yield* recordDecided('reread', decision, again, now);
    return again;
  };
}
