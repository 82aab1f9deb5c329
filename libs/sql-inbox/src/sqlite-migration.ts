import { Kysely, Migrator, SqliteDialect, type SqliteDatabase } from 'kysely';
import { MIGRATIONS } from './migrations.js';
import { rollBack, type SqliteConnection } from './sqlite-connection.js';

/** A file that a newer version of this package has written. */
export class NewerSchemaError extends Error {
  constructor(readonly unknownMigrations: readonly string[]) {
    super(`it was written by a newer version of nestjs-runhooks (unknown migrations: ${unknownMigrations.join(', ')})`);
  }
}

/**
 * Brings the file's schema up to date, in one transaction under the write lock, so that several processes may start
 * at once. The only transaction with an `await` in it: nothing else runs on this connection before it has ended.
 */
export async function migrateSqlite(connection: SqliteConnection): Promise<void> {
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: asKyselyDatabase(connection) }) });
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) },
    migrationTableName: 'runhooks_migrations',
    migrationLockTableName: 'runhooks_migrations_lock',
  });
  connection.exec('begin immediate');
  try {
    refuseNewerSchema(connection);
    const { error } = await migrator.migrateToLatest();
    if (error) throw error;
    connection.exec('commit');
  } catch (error) {
    rollBack(connection);
    throw error;
  }
}

function refuseNewerSchema(connection: SqliteConnection): void {
  const tables = connection.all(
    `select name from sqlite_master where type = 'table' and name = 'runhooks_migrations'`,
    [],
  );
  if (tables.length === 0) return;
  const done = connection.all('select name from runhooks_migrations', []) as { name: string }[];
  const unknown = done.map(({ name }) => name).filter((name) => !(name in MIGRATIONS));
  if (unknown.length > 0) throw new NewerSchemaError(unknown);
}

/** The slice of better-sqlite3 that Kysely's SQLite driver uses. */
function asKyselyDatabase(connection: SqliteConnection): SqliteDatabase {
  return {
    close: () => undefined,
    prepare: (sql) => ({
      reader: true,
      all: (parameters) => connection.all(sql, parameters),
      run: () => ({ changes: 0, lastInsertRowid: 0 }),
      iterate: (parameters) => connection.all(sql, [...parameters])[Symbol.iterator](),
    }),
  };
}
