import {
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
  type Expression,
  type SqlBool,
} from 'kysely';
import type { Schema } from './schema.js';

/** Where the engines' SQL differs. */
export interface SqlDialect {
  /** Builds and compiles queries; never runs one. */
  readonly db: Kysely<Schema>;
  /** `column` is one of the values in `list`, a JSON text array: one statement for lists of any length. */
  isOneOf(column: Expression<unknown>, list: string): Expression<SqlBool>;
}

export const SQLITE_DIALECT: SqlDialect = Object.freeze({
  db: new Kysely<Schema>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  }),
  isOneOf: (column: Expression<unknown>, list: string) =>
    sql<SqlBool>`${column} in (select value from json_each(${list}))`,
});
