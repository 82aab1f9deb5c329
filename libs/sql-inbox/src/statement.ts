import type { Compilable } from 'kysely';

/** A statement with its values, ready for a driver. */
export interface BoundStatement {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/**
 * A transaction written once for every engine: it yields statements and is given their rows. SQLite runs it without
 * pause, Postgres awaits each answer.
 */
export type Transaction<T> = Generator<BoundStatement, T, readonly unknown[]>;

/** Stands for a value that is known only when the statement runs. */
class Placeholder {
  constructor(readonly name: PropertyKey) {}
}

/**
 * Compiles a query once, when it is first run: no process runs all of them. `build` is given placeholders instead of
 * values; the result takes the values and runs the statement within a {@link Transaction}. Compiling on every call would
 * cost more than SQLite needs to run most of them.
 */
export function statement<Values extends object, Row>(
  build: (value: <K extends keyof Values>(name: K) => Values[K]) => Compilable<Row>,
): (values: Values) => Transaction<Row[]> {
  let compiled: BoundStatement | undefined;
  return function* (values) {
    compiled ??= build(<K extends keyof Values>(name: K) => new Placeholder(name) as Values[K]).compile();
    const { sql, parameters } = compiled;
    const bound = parameters.map((parameter) =>
      parameter instanceof Placeholder ? values[parameter.name as keyof Values] : parameter,
    );
    return (yield { sql, parameters: bound }) as Row[];
  };
}

/** Compiles and runs a query that is put together anew each time: for what is rare. */
export function* query<Row>(compilable: Compilable<Row>): Transaction<Row[]> {
  const { sql, parameters } = compilable.compile();
  return (yield { sql, parameters }) as Row[];
}
