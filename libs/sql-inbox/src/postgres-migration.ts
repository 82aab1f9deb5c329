import { Kysely, Migrator, PostgresDialect, sql, type PostgresPool } from 'kysely';
import { LIMITS } from 'nestjs-runhooks/core';
import { migrationsFor } from './migrations.js';
import { refuseUnknown } from './newer-schema.js';
import type { PostgresConnection } from './postgres-connection.js';
import { lockKey } from './postgres-dialect.js';
import { transact } from './postgres-transactions.js';

/** `collate "C"`: compared by bytes, as SQLite does, so that no upgrade of the system's languages breaks an index. */
const MIGRATIONS = migrationsFor({
  text: sql`text collate "C"`,
  bytes: 'bytea',
  counter: 'bigint',
  counted: (column) => column.generatedAlwaysAsIdentity(),
});

const TABLE = 'runhooks_migrations';

/**
 * Makes the schema, or brings it up to date, in one transaction under a lock: any number of processes may start at once.
 * A user who may not create anything needs a schema that is up to date.
 */
export async function migratePostgres(connection: PostgresConnection, schema: string): Promise<void> {
  const begin = `begin isolation level read committed read write; set local statement_timeout = ${LIMITS.postgresMigrateMs}; set local lock_timeout = 0`;
  await transact(connection, begin, async () => {
    const ask = (text: string, values: unknown[]) => connection.ask({ text, values }, LIMITS.postgresMigrateMs);
    await ask('select pg_advisory_xact_lock(hashtextextended($1, 0))', [lockKey(schema, 'migrations')]);
    const { rows: schemas } = await ask('select 1 from pg_namespace where nspname = $1', [schema]);
    if (schemas.length === 0) await connection.exec(`create schema "${schema}"`);
    await connection.exec(`set local search_path to "${schema}"`);
    const { rows: tables } = await ask('select 1 from pg_tables where schemaname = $1 and tablename = $2', [
      schema,
      TABLE,
    ]);
    if (tables.length > 0) {
      const { rows } = await ask(`select name from "${schema}".${TABLE}`, []);
      const done = (rows as { name: string }[]).map(({ name }) => name);
      refuseUnknown(MIGRATIONS, done);
      if (done.length === Object.keys(MIGRATIONS).length) return;
    }
    await migrateToLatest(ask, schema);
  });
}

type Ask = (text: string, values: unknown[]) => Promise<{ rows: unknown[] }>;

async function migrateToLatest(ask: Ask, schema: string): Promise<void> {
  // Kysely lets go of its own lock after a failure, and reports that this failed, too.
  let first: unknown;
  const asked: Ask = (text, values) =>
    ask(text, values).catch((error: unknown) => {
      first ??= error;
      throw error;
    });
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: asKyselyPool(asked) }) });
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) },
    migrationTableName: TABLE,
    migrationLockTableName: `${TABLE}_lock`,
    // Else a table of that name in another schema would tell it that all is done.
    migrationTableSchema: schema,
    disableTransactions: true,
  });
  const { error } = await migrator.migrateToLatest();
  if (error) throw first ?? error;
}

/** The slice of a pool that Kysely's driver uses, over the one connection whose transaction this is. */
function asKyselyPool(ask: Ask): PostgresPool {
  const query = async (text: string, values: readonly unknown[]) => {
    const { rows } = await ask(text, [...values]);
    return { command: 'SELECT', rowCount: rows.length, rows };
  };
  const client = { query, release: () => undefined };
  return { connect: () => Promise.resolve(client as never), end: () => Promise.resolve() };
}
