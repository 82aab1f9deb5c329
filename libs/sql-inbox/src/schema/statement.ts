import type { Compilable } from 'kysely';

/** A statement with its values, ready for a driver. */
export interface BoundStatement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** Whether the statement results in the number of changed rows, which costs less than `returning`, or in rows. */
  readonly isCounted?: boolean;
}

/** Rows, or the number of changed rows. */
export type Result = readonly unknown[] | number;

/**
 * Transaction that is written once for every engine. It yields statements and receives their results. SQLite runs it
 * without a pause; Postgres awaits each statement.
 */
export type Transaction<T> = Generator<BoundStatement, T, Result>;

/** Returns a transaction that runs no statement. */
// eslint-disable-next-line require-yield
export function* withoutStatements<T>(result: T): Transaction<T> {
  return result;
}

/** Placeholder for a value that is known only when the statement runs. */
class Placeholder {
  constructor(readonly name: PropertyKey) {}
}

/** Builds a query with placeholders instead of values. */
type Build<Values, Row> = (value: <K extends keyof Values>(name: K) => Values[K]) => Compilable<Row>;

/**
 * Returns a statement that takes values and runs within a {@link Transaction}. It is compiled once, when it first runs:
 * compiling every time would cost more than SQLite needs to run most statements, and no process runs all of them.
 */
export function statement<Values extends object, Row>(
  build: Build<Values, Row>,
): (values: Values) => Transaction<Row[]> {
  const bind = compileOnce(build, false);
  return function* (values) {
    return (yield bind(values)) as Row[];
  };
}

/** Returns a statement like {@link statement} that results in the number of changed rows. */
export function change<Values extends object>(build: Build<Values, unknown>): (values: Values) => Transaction<number> {
  const bind = compileOnce(build, true);
  return function* (values) {
    return (yield bind(values)) as number;
  };
}

/** Compiles and runs a query that is built for each call, for rare operations. */
export function* query<Row>(compilable: Compilable<Row>): Transaction<Row[]> {
  const { sql, parameters } = compilable.compile();
  return (yield { sql, parameters }) as Row[];
}

/** Compiles and runs a statement that is built for each call, and returns the number of changed rows. */
export function* command(compilable: Compilable): Transaction<number> {
  const { sql, parameters } = compilable.compile();
  return (yield { sql, parameters, isCounted: true }) as number;
}

function compileOnce<Values extends object>(
  build: Build<Values, unknown>,
  isCounted: boolean,
): (values: Values) => BoundStatement {
  let compiled: Omit<BoundStatement, 'isCounted'> | undefined;
  return (values) => {
    if (!compiled) {
      const { sql, parameters } = build(
        <K extends keyof Values>(name: K) => new Placeholder(name) as Values[K],
      ).compile();
      // Keeps the text only: the tree of the query would stay in memory for as long as the process runs.
      compiled = { sql, parameters };
    }
    const bound = compiled.parameters.map((parameter) =>
      parameter instanceof Placeholder ? values[parameter.name as keyof Values] : parameter,
    );
    return { sql: compiled.sql, parameters: bound, isCounted };
  };
}
