import type { Compilable } from 'kysely';

/** A statement with its values, ready for a driver. */
export interface BoundStatement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
  /** Answered by the number of rows that it changed, which costs less than a `returning`; else by its rows. */
  readonly isCounted?: boolean;
}

/** Rows, or their number, as the statement asks. */
export type Answer = readonly unknown[] | number;

/**
 * A transaction written once for every engine: it yields statements and is given their answers. SQLite runs it without
 * pause, Postgres awaits each one.
 */
export type Transaction<T> = Generator<BoundStatement, T, Answer>;

/** Stands for a value that is known only when the statement runs. */
class Placeholder {
  constructor(readonly name: PropertyKey) {}
}

/** Puts a query together from placeholders instead of values. */
type Build<Values, Row> = (value: <K extends keyof Values>(name: K) => Values[K]) => Compilable<Row>;

/**
 * Compiles a query once, when it is first run: no process runs all of them. The result takes the values and runs the
 * statement within a {@link Transaction}. Compiling on every call would cost more than SQLite needs to run most of them.
 */
export function statement<Values extends object, Row>(
  build: Build<Values, Row>,
): (values: Values) => Transaction<Row[]> {
  const bind = compileOnce(build, false);
  return function* (values) {
    return (yield bind(values)) as Row[];
  };
}

/** The same for a statement of which only the number of changed rows counts. */
export function change<Values extends object>(build: Build<Values, unknown>): (values: Values) => Transaction<number> {
  const bind = compileOnce(build, true);
  return function* (values) {
    return (yield bind(values)) as number;
  };
}

/** Compiles and runs a query that is put together anew each time: for what is rare. */
export function* query<Row>(compilable: Compilable<Row>): Transaction<Row[]> {
  const { sql, parameters } = compilable.compile();
  return (yield { sql, parameters }) as Row[];
}

/** The same for a statement of which only the number of changed rows counts. */
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
      // Without the tree of the query, which would be kept for as long as the process lives.
      compiled = { sql, parameters };
    }
    const bound = compiled.parameters.map((parameter) =>
      parameter instanceof Placeholder ? values[parameter.name as keyof Values] : parameter,
    );
    return { sql: compiled.sql, parameters: bound, isCounted };
  };
}
