import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
  type SqlBool,
} from 'kysely';
import type { NamedLocks, SqlDialect } from '../schema/dialect.js';
import { toPostgresJson } from '../postgres-connection/postgres-text.js';
import type { Schema } from '../schema/schema.js';
import { givenRows } from './given-rows.js';
import { statement } from '../schema/statement.js';

/**
 * Names every table with its schema, because connections may be shared with the app or, behind a pooler, with others.
 */
export function postgresDialect(schema: string): SqlDialect {
  const db = new Kysely<Schema>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (introspected) => new PostgresIntrospector(introspected),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  }).withSchema(schema);
  return {
    db,
    writer: sql<string>`cast(pg_backend_pid() as text)`,
    list: toPostgresJson,
    given: (rows, columns) => givenRows(rows, columns, 'given'),
    // The planner expects 10 values of an array and 100 of JSON. With 100, it would compile a walk before running it.
    rowsOf: (list) =>
      sql<{ value: string }>`unnest(array(select json_array_elements_text(cast(${list} as json))))`.as<'listed'>(
        sql`listed(value)`,
      ),
    isOneOf: (column, list) =>
      sql<SqlBool>`${column} = any(array(select json_array_elements_text(cast(${list} as json))))`,
    holds: (column, part) => sql<SqlBool>`strpos(${column}, cast(${part} as text)) > 0`,
    holdsBytes: (column, part) => sql<SqlBool>`position(cast(${part} as bytea) in ${column}) > 0`,
    locking: (query) => query.forUpdate(),
    skippingLocked: (query) => query.forUpdate().skipLocked(),
    locks: advisoryLocks(db, schema),
  };
}

/** Returns the key of a lock. Its 64-bit hash is locked: two names with one hash only wait for each other. */
export function lockKey(schema: string, name: string): string {
  return `runhooks ${schema} ${name}`;
}

function advisoryLocks(db: SqlDialect['db'], schema: string): NamedLocks {
  const prefix = lockKey(schema, '');
  // Two names with one hash are one lock, so the order is that of the hashes.
  const takeAll = statement<{ names: string }, object>((value) =>
    db
      .selectFrom(
        sql<{ hash: number }>`(
          select hashtextextended(${prefix} || asked.name, 0) as hash
          from json_array_elements_text(cast(${value('names')} as json)) as asked(name) order by 1
        )`.as('sorted'),
      )
      .select(sql`pg_advisory_xact_lock(sorted.hash)`.as('taken')),
  );
  const takeFree = statement<{ names: string }, { name: string }>((value) =>
    db
      .selectFrom(
        sql<{ name: string }>`json_array_elements_text(cast(${value('names')} as json))`.as<'asked'>(sql`asked(name)`),
      )
      .select('asked.name')
      .where(sql<boolean>`pg_try_advisory_xact_lock(hashtextextended(${prefix} || asked.name, 0))`),
  );
  return {
    *takeAll(names) {
      if (names.length > 0) yield* takeAll({ names: toPostgresJson(names) });
    },
    *takeFree(names) {
      const rows = yield* takeFree({ names: toPostgresJson(names) });
      return rows.map(({ name }) => name);
    },
  };
}
