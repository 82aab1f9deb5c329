import { sql, type ExpressionBuilder } from 'kysely';
import type { Recording } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import type { MessagesTable, Schema } from '../schema/schema.js';
import { statement, type Transaction } from '../schema/statement.js';

/** Message whose parsing has ended. */
export type SettledMessage = Pick<MessagesTable, 'id' | 'source' | 'provider' | 'id_reused' | 'received_at'> & {
  lease: string;
};

/** Values of a message whose parsing has ended. */
export type MessageValues = Pick<
  MessagesTable,
  'id' | 'state' | 'reason' | 'notes' | 'message_type' | 'account_id' | 'run_id'
> & { lease: string };

/** Returns the values of a recording's message. */
export function messageValues(recording: Recording): MessageValues {
  const { messageId: id, lease, state, reason = null, messageType: message_type = null } = recording;
  const { accountId: account_id = null, runId: run_id = null } = recording.run ?? {};
  const notes = recording.notes ? JSON.stringify(recording.notes) : null;
  return { id, lease, state, reason, notes, message_type, account_id, run_id };
}

/** Returns 1 if an earlier message has the id of this one; it then has another body. Bodies from an API differ at every call. */
export function idReused(eb: ExpressionBuilder<Schema, 'messages'>) {
  return eb
    .case()
    .when(
      eb.exists(
        eb
          .selectFrom('message_keys as earlier')
          .select('earlier.message_id')
          .whereRef('earlier.source', '=', 'messages.source')
          .whereRef('earlier.message_key', '=', 'messages.message_key')
          .whereRef('earlier.message_id', '<', 'messages.id')
          .where('messages.message_key', '<>', '')
          .where('messages.origin', '=', sql.lit('webhook')),
      ),
    )
    .then(sql.lit(1))
    .else(sql.lit(0))
    .end();
}

/** Writes one message after the other, for an engine in the process of the app. */
export function messagesRowByRow(
  dialect: SqlDialect,
): (recordings: readonly Recording[]) => Transaction<SettledMessage[]> {
  const settle = messageSettler(dialect);
  return function* (recordings) {
    const settled: SettledMessage[] = [];
    for (const recording of recordings) {
      const [message] = yield* settle(messageValues(recording));
      if (message) settled.push({ ...message, lease: recording.lease });
    }
    return settled;
  };
}

/** Fenced by the lease: returns no row if another worker holds the message. */
function messageSettler({ db }: SqlDialect) {
  return statement<MessageValues, Omit<SettledMessage, 'lease'>>((value) =>
    db
      .updateTable('messages')
      .set((eb) => ({
        state: value('state'),
        reason: value('reason'),
        notes: value('notes'),
        message_type: value('message_type'),
        account_id: value('account_id'),
        run_id: value('run_id'),
        due_at: null,
        lease: null,
        id_reused: idReused(eb),
      }))
      .where('id', '=', value('id'))
      .where('lease', '=', value('lease'))
      .returning(['id', 'source', 'provider', 'id_reused', 'received_at']),
  );
}
