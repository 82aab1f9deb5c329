import type { Appended, NewMessage } from 'nestjs-runhooks/core';
import type { SqlDialect } from '../dialect.js';
import type { MessagesTable } from '../schema.js';
import { statement, type Transaction } from '../statement.js';

type Once = Pick<MessagesTable, 'source' | 'message_key' | 'digest'>;
type Row = Once & Pick<MessagesTable, 'id' | 'provider' | 'headers' | 'body' | 'received_at'>;

/** Stores a message, due for reading at once. The unique index is the only judge of what is a duplicate. */
export function appendMessage({ db }: SqlDialect): (message: NewMessage) => Transaction<Appended> {
  const insert = statement<Row, { id: string }>((value) =>
    db
      .insertInto('messages')
      .values({
        id: value('id'),
        source: value('source'),
        provider: value('provider'),
        message_key: value('message_key'),
        digest: value('digest'),
        headers: value('headers'),
        body: value('body'),
        received_at: value('received_at'),
        state: 'stored',
        id_reused: 0,
        reads: 0,
        due_at: value('received_at'),
      })
      .onConflict((conflict) => conflict.columns(['source', 'message_key', 'digest']).doNothing())
      .returning('id'),
  );
  const find = statement<Once, { id: string }>((value) =>
    db
      .selectFrom('messages')
      .select('id')
      .where('source', '=', value('source'))
      .where('message_key', '=', value('message_key'))
      .where('digest', '=', value('digest')),
  );
  return function* (message) {
    const once: Once = { source: message.source, message_key: message.messageKey, digest: message.digest };
    const [inserted] = yield* insert({
      ...once,
      id: message.id,
      provider: message.provider,
      headers: JSON.stringify(message.headers),
      body: message.body,
      received_at: message.receivedAt.getTime(),
    });
    if (inserted) return { status: 'accepted', id: inserted.id };
    const [present] = yield* find(once);
    if (!present)
      throw new Error('the message conflicts with a row that is not there: the unique index of the inbox is damaged');
    return { status: 'duplicate', id: present.id };
  };
}
