import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, sql, type SqlBool } from 'kysely';
import type { SqlDialect } from '../schema/dialect.js';
import type { Schema } from '../schema/schema.js';
import { withoutStatements } from '../schema/statement.js';

/** Dialect without locks: SQLite has one writer at a time. */
export const SQLITE_DIALECT: SqlDialect = Object.freeze<SqlDialect>({
  db: new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  }),
  writer: sql.lit(''),
  list: (values) => JSON.stringify(values),
  given: <Row>(rows: string, columns: readonly (keyof Row & string)[]) => {
    const values = columns.map((column) => sql`json_extract(value, ${sql.lit(`$.${column}`)}) as ${sql.id(column)}`);
    return sql<Row>`(select ${sql.join(values)} from json_each(${rows}))`.as('given');
  },
  rowsOf: (list) => sql<{ value: string }>`json_each(${list})`.as('listed'),
  isOneOf: (column, list) => sql<SqlBool>`${column} in (select value from json_each(${list}))`,
  holds: (column, part) => sql<SqlBool>`instr(${column}, ${part}) > 0`,
  holdsBytes: (column, part) => sql<SqlBool>`instr(${column}, ${part}) > 0`,
  locking: (query) => query,
  skippingLocked: (query) => query,
  locks: {
    takeAll: () => withoutStatements(undefined),
    takeFree: (names) => withoutStatements(names),
  },
});
