import { sql, type Expression, type SqlBool } from 'kysely';
import type { SqlDialect } from './dialect.js';

/** Returns whether a row has one of the keys in a list, as {@link SqlDialect.list} returns it. `columns` are those of the key. */
export function hasKeyIn<Row>(
  { db, given }: SqlDialect,
  keys: string,
  columns: readonly (keyof Row & string)[],
): Expression<SqlBool> {
  const wanted = db.selectFrom(given<Row>(keys, columns)).select(columns.map((column) => sql.ref(column).as(column)));
  return sql<SqlBool>`(${sql.join(columns.map((column) => sql.ref(column)))}) in ${wanted}`;
}
