/** Values of a query by the names of their parameters. */
export type Query = Readonly<Record<string, QueryValue | undefined>>;

/** A value; an array of related objects is a comma list, and any other array is JSON. */
type QueryValue = string | number | boolean | readonly (string | number)[] | readonly Date[];

/**
 * Returns a query with its `?`, percent-encoded, or an empty string.
 *
 * dbt's specification does not show how arrays are written. `include_related` is a comma list, and all others are JSON, as
 * in the clients dbtc and Dagster. Times are in UTC with `Z`, because a `+` would become a space.
 */
export function queryOf(query: Query): string {
  const parts = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(textOf(name, value))}`],
  );
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

function textOf(name: string, value: QueryValue): string {
  if (!Array.isArray(value)) return String(value);
  return name === 'include_related' ? value.join(',') : JSON.stringify(value);
}

/** Returns ids as the integers that the API filters by. Ids that are no integers match nothing, and are left out. */
export function integersOf(ids: readonly (string | number)[]): readonly number[] {
  return ids.map(Number).filter(Number.isSafeInteger);
}
