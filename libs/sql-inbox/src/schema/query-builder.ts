// eslint-disable-next-line import/default -- `export =` is one for Node and for tsc
import commonJs from './kysely-commonjs.cjs';

/**
 * Kysely's CommonJS build, for both builds of ours: as ES modules, its 262 files take Node twice as long to load, which was
 * a third of what Runhooks added to the start of an app. The types of its builds are the same.
 */
export const {
  DummyDriver,
  Kysely,
  Migrator,
  PostgresAdapter,
  PostgresDialect,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
  SqliteAdapter,
  SqliteDialect,
  SqliteIntrospector,
  SqliteQueryCompiler,
} = commonJs.kysely as unknown as typeof import('kysely');
