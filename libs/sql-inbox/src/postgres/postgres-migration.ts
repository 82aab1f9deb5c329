import { Kysely, PostgresDialect, sql, type PostgresPool } from 'kysely';
import { SQL_LIMITS } from '../limits.js';
import { migrationsFor, type Migrations } from '../schema/migrations.js';
import { refuseUnknown } from '../schema/newer-schema.js';
import type { PostgresConnection } from '../postgres-connection/postgres-connection.js';
import { lockKey } from './postgres-dialect.js';
import { transact } from './postgres-transactions.js';

/** `collate "C"` compares by bytes, as SQLite does, so that no upgrade of the system's locales breaks an index. */
export const MIGRATIONS = migrationsFor({
  text: sql`text collate "C"`,
  bytes: 'bytea',
  counter: 'bigint',
  counted: (column) => column.generatedAlwaysAsIdentity(),
  inKey: (table) => table,
});

const TABLE = 'runhooks_migrations';

/**
 * Creates or upgrades the schema in one transaction under a lock, so that any number of processes can start at once.
 * A user without the right to create tables needs a schema that is up to date. Kysely's migrator is not used: it reads
 * every table of the database, and fails if another session drops one at that moment.
 *
 * @param migrations tests pass those of a later version
 */
export async function migratePostgres(
  connection: PostgresConnection,
  schema: string,
  migrations: Migrations = MIGRATIONS,
): Promise<void> {
  const begin = `begin isolation level read committed read write; set local statement_timeout = ${SQL_LIMITS.postgresMigrateMs}; set local lock_timeout = 0`;
  await transact(connection, begin, async () => {
    const ask: Ask = (text, values = []) => connection.ask({ text, values }, SQL_LIMITS.postgresMigrateMs);
    await ask('select pg_advisory_xact_lock(hashtextextended($1, 0))', [lockKey(schema, 'migrations')]);
    const done = await doneIn(schema, ask);
    refuseUnknown(migrations, done);
    await ask(`set local search_path to "${schema}"`);
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: asKyselyPool(ask) }) });
    for (const [name, { up }] of Object.entries(migrations)) {
      if (done.includes(name)) continue;
      await up(db);
      await ask(`insert into "${schema}".${TABLE} values ($1, $2)`, [name, new Date().toISOString()]);
    }
  });
}

type Ask = (text: string, values?: unknown[]) => Promise<{ rows: unknown[] }>;

/** Returns the names of the migrations that were done: none in a new or empty schema. */
async function doneIn(schema: string, ask: Ask): Promise<string[]> {
  const found = await ask('select 1 from pg_tables where schemaname = $1 and tablename = $2', [schema, TABLE]);
  if (found.rows.length > 0) {
    const { rows } = await ask(`select name from "${schema}".${TABLE}`);
    return (rows as { name: string }[]).map(({ name }) => name);
  }
  const { rows: schemas } = await ask('select 1 from pg_namespace where nspname = $1', [schema]);
  if (schemas.length === 0) await ask(`create schema "${schema}"`);
  await ask(`create table "${schema}".${TABLE} (name text primary key, done_at text not null)`);
  return [];
}

/** Implements the part of a pool that Kysely's driver uses, on the connection of the transaction. */
function asKyselyPool(ask: Ask): PostgresPool {
  const query = async (text: string, values: readonly unknown[]) => {
    const { rows } = await ask(text, [...values]);
    return { command: 'SELECT', rowCount: rows.length, rows };
  };
  const client = { query, release: () => undefined };
  return { connect: () => Promise.resolve(client as never), end: () => Promise.resolve() };
}
