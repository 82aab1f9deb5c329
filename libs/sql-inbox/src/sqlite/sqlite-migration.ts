import { Kysely, Migrator, SqliteDialect, sql, type SqliteDatabase } from 'kysely';
import { migrationsFor, type Migrations } from '../schema/migrations.js';
import { refuseUnknown } from '../schema/newer-schema.js';
import { rollBack, type SqliteConnection } from '../sqlite-connection/sqlite-connection.js';
import { onceUnlocked } from '../sqlite-connection/sqlite-lock.js';

export const MIGRATIONS = migrationsFor({
  text: 'text',
  bytes: 'blob',
  counter: 'integer',
  counted: (column) => column,
  inKey: (table) => table.modifyEnd(sql`without rowid`),
});

/**
 * Creates or upgrades the schema of a file, in one transaction under the write lock, so that several processes can
 * start at once. It is the only transaction with an `await`, because nothing else runs on this connection before it has
 * ended.
 *
 * @param migrations tests pass those of a later version
 */
export async function migrateSqlite(connection: SqliteConnection, migrations: Migrations = MIGRATIONS): Promise<void> {
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: asKyselyDatabase(connection) }) });
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
    migrationTableName: 'runhooks_migrations',
    migrationLockTableName: 'runhooks_migrations_lock',
  });
  await onceUnlocked(() => connection.exec('begin immediate'));
  try {
    refuseNewerSchema(connection, migrations);
    const { error } = await migrator.migrateToLatest();
    if (error) throw error;
    connection.exec('commit');
  } catch (error) {
    rollBack(connection);
    throw error;
  }
}

function refuseNewerSchema(connection: SqliteConnection, migrations: Migrations): void {
  const tables = connection.all(
    `select name from sqlite_master where type = 'table' and name = 'runhooks_migrations'`,
    [],
  );
  if (tables.length === 0) return;
  const done = connection.all('select name from runhooks_migrations', []) as { name: string }[];
  refuseUnknown(
    migrations,
    done.map(({ name }) => name),
  );
}

/** Implements the part of better-sqlite3 that Kysely's SQLite driver uses. */
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
