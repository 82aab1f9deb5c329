import type { Pool, PoolClient } from 'pg';
import type { DeliveryContext, InboxTransaction } from 'nestjs-runhooks';
import { postgresInbox, type PostgresClient, type PostgresPool } from 'nestjs-runhooks/postgres';
import { expectSame } from './expect-type.js';

declare const pool: Pool;
declare const client: PoolClient;
declare const delivery: DeliveryContext;

// The pool of pg must fit the interface that Runhooks uses.
const slice: PostgresPool = pool;
const clientSlice: PostgresClient = client;
postgresInbox({ pool });
postgresInbox({ pool: slice, schema: 'app', notify: false });
postgresInbox({ connectionString: 'postgres://host/db', connectionsMax: 5 });
void clientSlice;

// @ts-expect-error: there is no such option
postgresInbox({ connectionString: 'postgres://host/db', shema: 'app' });
// @ts-expect-error: a pool, and not a client
postgresInbox({ pool: client });

// The transaction of a handler has only those parts of a client that a handler needs.
void delivery.completeWith(async (tx) => {
  expectSame<typeof tx, InboxTransaction>();
  const { rows, rowCount } = await tx.query<{ id: string }>('select id from jobs where id = $1', ['1']);
  expectSame<typeof rows, { id: string }[]>();
  expectSame<typeof rowCount, number>();
  const untyped = await tx.query('select 1');
  expectSame<typeof untyped.rows, Record<string, unknown>[]>();
  // @ts-expect-error: a handler cannot end the transaction
  tx.release();
});
