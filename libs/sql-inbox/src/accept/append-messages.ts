import type { Appended, NewMessage } from 'nestjs-runhooks/core';
import { sql } from 'kysely';
import type { SqlDialect } from '../schema/dialect.js';
import type { MessagesTable } from '../schema/schema.js';
import { statement, type Transaction } from '../schema/statement.js';
import { dueOf, keyAccess } from './append-message.js';

/** Messages by column: one parameter per column, for any number of messages. */
interface Columns {
  ids: readonly string[];
  sources: readonly string[];
  providers: readonly string[];
  keys: readonly string[];
  digests: readonly Uint8Array[];
  headers: readonly string[];
  bodies: readonly Uint8Array[];
  times: readonly number[];
  dues: readonly number[];
  leases: readonly (string | null)[];
}

interface Row {
  id: string;
  /** Message to which this statement gave the key. */
  fresh: string | null;
  /** Message that had the key before. Both are null if another transaction stored a copy while this statement ran. */
  present: string | null;
}

/** Stores messages in one statement, sorted by key. If the engine rejects one message, none is stored. */
export function appendMessages(dialect: SqlDialect): (messages: readonly NewMessage[]) => Transaction<Appended[]> {
  const insert = inserter(dialect);
  const keys = keyAccess(dialect);
  return function* (messages) {
    const rows = yield* insert({
      ids: messages.map(({ id }) => id),
      sources: messages.map(({ source }) => source),
      providers: messages.map(({ provider }) => provider),
      keys: messages.map(({ messageKey }) => messageKey),
      digests: messages.map(({ digest }) => digest),
      headers: messages.map(({ headers }) => JSON.stringify(headers)),
      bodies: messages.map(({ body }) => body),
      times: messages.map(({ receivedAt }) => receivedAt.getTime()),
      dues: messages.map((message) => dueOf(message).due_at),
      leases: messages.map((message) => dueOf(message).lease),
    });
    const found = new Map(rows.map((row) => [row.id, row]));
    const appended: Appended[] = [];
    for (const { id, source, messageKey: message_key, digest } of messages) {
      const { fresh, present } = found.get(id) ?? {};
      if (fresh === id) {
        appended.push({ status: 'accepted', id });
        continue;
      }
      const known = fresh ?? present ?? (yield* keys.find({ source, message_key, digest }))[0]?.message_id;
      if (!known)
        throw new Error('a message conflicts with a deduplication key that does not exist: the inbox is damaged');
      appended.push({ status: 'duplicate', id: known });
    }
    return appended;
  };
}

const KEY = ['source', 'message_key', 'digest'] as const;

function inserter({ db }: SqlDialect) {
  return statement<Columns, Row>((value) =>
    db
      .with('given', (given) => given.selectFrom(unnested(value)).selectAll())
      .with('fresh', (fresh) =>
        fresh
          .insertInto('message_keys')
          .columns([...KEY, 'message_id'])
          .expression((eb) =>
            eb
              .selectFrom('given')
              .select([...KEY, 'id'])
              .orderBy('source')
              .orderBy('message_key')
              .orderBy('digest')
              .orderBy('id'),
          )
          .onConflict((conflict) => conflict.columns(KEY).doNothing())
          .returning([...KEY, 'message_id']),
      )
      .with('stored', (stored) =>
        stored
          .insertInto('messages')
          .columns([...GIVEN, 'state', 'id_reused', 'claims', 'without_handlers'])
          .expression((eb) =>
            eb
              .selectFrom('given')
              .where('id', 'in', eb.selectFrom('fresh').select('fresh.message_id'))
              .select([
                ...GIVEN,
                sql.lit('stored').as('state'),
                sql.lit(0).as('id_reused'),
                sql.lit(0).as('claims'),
                sql.lit(0).as('without_handlers'),
              ]),
          ),
      )
      .selectFrom('given')
      .leftJoin('fresh', (join) =>
        KEY.reduce((on, column) => on.onRef(`given.${column}`, '=', `fresh.${column}`), join),
      )
      .leftJoin('message_keys as present', (join) =>
        KEY.reduce((on, column) => on.onRef(`given.${column}`, '=', `present.${column}`), join),
      )
      .select(['given.id', 'fresh.message_id as fresh', 'present.message_id as present']),
  );
}

// prettier-ignore
const GIVEN = [
  'id', 'source', 'provider', 'message_key', 'digest', 'headers', 'body', 'received_at', 'due_at', 'lease',
] as const;
type Given = Pick<MessagesTable, (typeof GIVEN)[number]>;

/** Returns the columns as rows. The column names must be in the order of the values. */
function unnested(value: <K extends keyof Columns>(name: K) => Columns[K]) {
  return sql<Given>`unnest(
    cast(${value('ids')} as text[]), cast(${value('sources')} as text[]), cast(${value('providers')} as text[]),
    cast(${value('keys')} as text[]), cast(${value('headers')} as text[]), cast(${value('bodies')} as bytea[]),
    cast(${value('times')} as bigint[]), cast(${value('dues')} as bigint[]), cast(${value('leases')} as text[]),
    cast(${value('digests')} as bytea[])
  )`.as<'unnested'>(
    sql`unnested (id, source, provider, message_key, headers, body, received_at, due_at, lease, digest)`,
  );
}
