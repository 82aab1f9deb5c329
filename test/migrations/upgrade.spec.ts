import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { PostgresConnections } from 'inside/postgres-connections';
import { MIGRATIONS as POSTGRES_MIGRATIONS, migratePostgres } from 'inside/postgres-migration';
import { connectSqlite } from 'inside/sqlite-connection';
import { MIGRATIONS as SQLITE_MIGRATIONS, migrateSqlite } from 'inside/sqlite-migration';
import type { Migration } from 'kysely';
import pg from 'pg';
import { onPostgres, POSTGRES_URL, Schemas } from '../postgres/server.js';
import { failingMigrations, laterMigrations } from './later-version.js';

type Migrations = Readonly<Record<string, Migration>>;

/** An empty database. */
interface Database {
  /** Prefix of table names. */
  readonly prefix: string;
  migrate(migrations?: Migrations): Promise<void>;
  rows(sql: string): Promise<unknown[]>;
  columns(table: string): Promise<string[]>;
  close(): Promise<void>;
}

async function sqliteFile(): Promise<Database> {
  const directory = mkdtempSync(join(tmpdir(), 'runhooks-upgrade-'));
  const connection = await connectSqlite(join(directory, 'inbox.db'), undefined);
  const rows = async (sql: string): Promise<unknown[]> => connection.all(sql, []);
  return {
    prefix: '',
    migrate: (migrations) => migrateSqlite(connection, migrations),
    rows,
    columns: async (table) =>
      ((await rows(`select name from pragma_table_info('${table}')`)) as { name: string }[]).map(({ name }) => name),
    close: async () => {
      connection.close();
      rmSync(directory, { recursive: true });
    },
  };
}

function upgrades(engine: string, migrations: Migrations, create: () => Promise<Database>): void {
  const later = laterMigrations(migrations);
  const names = (all: Migrations) => Object.keys(all).map((name) => ({ name }));
  const done = (database: Database) =>
    database.rows(`select name from ${database.prefix}runhooks_migrations order by name`);

  const inDatabase = async (test: (database: Database) => Promise<void>): Promise<void> => {
    const database = await create();
    try {
      await test(database);
    } finally {
      await database.close();
    }
  };

  describe(`an upgrade of the schema on ${engine}`, () => {
    it('keeps the rows, runs once, and locks out the version before', () =>
      inDatabase(async (database) => {
        await database.migrate();
        await database.rows(`insert into ${database.prefix}barriers values ('handler', '{}', 1)`);
        await database.migrate(later);
        const rows = await database.rows(`select name, color from ${database.prefix}barriers`);
        expect(rows).toEqual([{ name: 'handler', color: 'green' }]);
        expect(await done(database)).toEqual(names(later));
        await database.migrate(later);
        expect(await done(database)).toEqual(names(later));
        await expect(database.migrate()).rejects.toThrow(/newer version.*0002_colors/);
      }));

    it('creates the same tables in an empty database', () =>
      inDatabase(async (database) => {
        await database.migrate(later);
        expect(await database.columns('barriers')).toEqual(['name', 'waiting', 'updated_at', 'color']);
        expect(await done(database)).toEqual(names(later));
      }));

    it('changes nothing if it fails half way, and the version before still opens the inbox', () =>
      inDatabase(async (database) => {
        await database.migrate();
        await expect(database.migrate(failingMigrations(migrations))).rejects.toThrow('the upgrade failed');
        expect(await database.columns('barriers')).toEqual(['name', 'waiting', 'updated_at']);
        await database.migrate();
        expect(await done(database)).toEqual(names(migrations));
      }));
  });
}

upgrades('SQLite', SQLITE_MIGRATIONS, sqliteFile);

onPostgres('with a server', () => {
  const schemas = new Schemas();
  const pool = new pg.Pool({ connectionString: POSTGRES_URL });
  const connections = new PostgresConnections(pool);
  afterAll(async () => {
    connections.close();
    await pool.end();
  });

  upgrades('Postgres', POSTGRES_MIGRATIONS, async () => {
    const schema = schemas.next();
    return {
      prefix: `"${schema}".`,
      migrate: (migrations) => connections.with((connection) => migratePostgres(connection, schema, migrations)),
      rows: (sql) => schemas.query(sql),
      columns: async (table) => {
        const found = await schemas.query<{ name: string }>(
          `select column_name as name from information_schema.columns
           where table_schema = $1 and table_name = $2 order by ordinal_position`,
          [schema, table],
        );
        return found.map(({ name }) => name);
      },
      close: async () => undefined,
    };
  });
});
