import { sql } from 'kysely';
import { toPostgresJson } from '../postgres-connection/postgres-text.js';

/** Columns of integers; all other columns that can be given are texts. */
// prettier-ignore
const INTEGERS = new Set([
  'amount', 'attempts', 'attempts_before', 'claims', 'contradicted', 'in_lane', 'minute', 'position',
]);

/** Compares rows by their ids: all transactions change rows in this order, because one that needs a row of another waits. */
export function byId(a: { id: string }, b: { id: string }): number {
  return a.id < b.id ? -1 : 1;
}

/** Returns rows as {@link givenRows} takes them: one value for any number of rows. */
export function givenText(rows: readonly object[]): string {
  return toPostgresJson(rows);
}

/**
 * Returns the rows of a {@link givenText} as a table with the given name. Columns whose names end in `_at` are integers.
 * https://www.postgresql.org/docs/14/functions-json.html
 */
export function givenRows<Row, Name extends string>(
  text: string,
  columns: readonly (keyof Row & string)[],
  name: Name,
) {
  const types = columns.map((column) => {
    const isInteger = column.endsWith('_at') || INTEGERS.has(column);
    return sql`${sql.id(column)} ${sql.raw(isInteger ? 'bigint' : 'text')}`;
  });
  return sql<Row>`json_to_recordset(cast(${text} as json))`.as<Name>(sql`${sql.id(name)}(${sql.join(types)})`);
}
