import type { Appended, MessageState, NewMessage, ReportedMessage } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../schema/dialect.js';
import { newRow, type NewRow } from '../schema/new-row.js';
import type { MessageKeysTable, MessagesTable } from '../schema/schema.js';
import { change, statement, type Transaction } from '../schema/statement.js';
import { AT_ONCE } from '../schema/due.js';

/** State of a new message: waiting to be parsed, or quarantined as bytes. */
export type AppendAs = { readonly state: 'stored' } | { readonly state: 'quarantined'; readonly reason: string };

/** Stores a message that is due now. Only the primary key of the deduplication keys decides what is a duplicate. */
export function appendMessage(dialect: SqlDialect): AppendMessage<NewMessage> {
  const { db } = dialect;
  const insert = change<NewRow<'messages'>>((value) => db.insertInto('messages').values(newRow('messages', value)));
  return appender(dialect, insert);
}

/** Stores a message that a round has found, with its origin. */
export function appendReportedMessage(dialect: SqlDialect): AppendMessage<ReportedMessage> {
  const { db } = dialect;
  type Row = NewRow<'messages'> & Pick<MessagesTable, 'history' | 'origin'>;
  const insert = change<Row>((value) => {
    const found = { origin: value('origin'), history: value('history') };
    return db.insertInto('messages').values({ ...newRow('messages', value), ...found });
  });
  return appender(dialect, (row, { history }) => insert({ ...row, origin: 'api', history: history ? 1 : 0 }));
}

/** Stores one message in a transaction. */
export type AppendMessage<M extends NewMessage> = (message: M, as: AppendAs) => Transaction<Appended>;

function appender<M extends NewMessage>(
  dialect: SqlDialect,
  insert: (row: NewRow<'messages'>, message: M) => Transaction<unknown>,
): AppendMessage<M> {
  const keys = keyAccess(dialect);
  return function* (message, as) {
    const { id, source, provider, messageKey, digest, body } = message;
    const key: MessageKeysTable = { source, message_key: messageKey, digest, message_id: id };
    if ((yield* keys.insert(key)) === 0) {
      const [present] = yield* keys.find(key);
      if (!present)
        throw new Error('a message conflicts with a deduplication key that does not exist: the inbox is damaged');
      return { status: 'duplicate', id: present.message_id };
    }
    const received_at = message.receivedAt.getTime();
    const { state }: { state: MessageState } = as;
    const row: NewRow<'messages'> = {
      id,
      source,
      provider,
      message_key: messageKey,
      digest,
      headers: JSON.stringify(message.headers),
      body,
      received_at,
      state,
      reason: as.state === 'quarantined' ? as.reason : null,
      id_reused: 0,
      claims: 0,
      without_handlers: 0,
      ...(as.state === 'stored' ? dueOf(message) : { due_at: null, lease: null }),
    };
    yield* insert(row, message);
    return { status: 'accepted', id };
  };
}

/** Returns when a new message can be claimed: at once, or once the claim it is stored with has ended. */
export function dueOf({ claim }: NewMessage): Pick<MessagesTable, 'lease'> & { due_at: number } {
  return claim ? { due_at: claim.until.getTime(), lease: claim.lease } : { due_at: AT_ONCE, lease: null };
}

export function keyAccess({ db }: SqlDialect) {
  const insert = change<NewRow<'message_keys'>>((value) =>
    db
      .insertInto('message_keys')
      .values(newRow('message_keys', value))
      .onConflict((conflict) => conflict.columns(['source', 'message_key', 'digest']).doNothing()),
  );
  const find = statement<Omit<MessageKeysTable, 'message_id'>, Pick<MessageKeysTable, 'message_id'>>((value) =>
    db
      .selectFrom('message_keys')
      .select('message_id')
      .where('source', '=', value('source'))
      .where('message_key', '=', value('message_key'))
      .where('digest', '=', value('digest')),
  );
  return { insert, find };
}
