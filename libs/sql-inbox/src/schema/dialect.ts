import type { AliasedExpression, Expression, Kysely, RawBuilder, SelectQueryBuilder, SqlBool } from 'kysely';
import type { Schema } from './schema.js';
import type { Transaction } from './statement.js';

/** SQL that differs between the engines. */
export interface SqlDialect {
  /** Query builder that compiles queries and never runs them. */
  readonly db: Kysely<Schema>;
  /**
   * Process id with which a transaction adds to the series. No two transactions at the same time have the same one, except
   * where only one can write at a time.
   */
  readonly writer: RawBuilder<string>;
  /** Returns strings as {@link isOneOf} takes them, or rows as {@link given} does: one value for an array of any length. */
  list(values: readonly string[] | readonly object[]): string;
  /** Returns the rows of such a list as a table `given`. */
  given<Row>(rows: string, columns: readonly (keyof Row & string)[]): AliasedExpression<Row, 'given'>;
  /** Returns the strings of such a list as rows, in the order of the list. */
  rowsOf(list: string): AliasedExpression<{ value: string }, 'listed'>;
  /** Returns whether `column` is one of the strings in `list`, so that one statement serves lists of any length. */
  isOneOf(column: Expression<unknown>, list: string): Expression<SqlBool>;
  /** Returns whether the string in `column` contains `part`. */
  holds(column: Expression<unknown>, part: string): Expression<SqlBool>;
  /** Returns whether the bytes in `column` contain `part`. */
  holdsBytes(column: Expression<unknown>, part: Uint8Array): Expression<SqlBool>;
  /** Locks the selected rows until the transaction ends, after waiting for transactions that change them. */
  locking<DB, TB extends keyof DB, O>(query: SelectQueryBuilder<DB, TB, O>): SelectQueryBuilder<DB, TB, O>;
  /** Locks the selected rows, and skips rows that another transaction has locked. */
  skippingLocked<DB, TB extends keyof DB, O>(query: SelectQueryBuilder<DB, TB, O>): SelectQueryBuilder<DB, TB, O>;
  readonly locks: NamedLocks;
}

/** Locks by name, for things that may have no row yet. A lock is held until the transaction ends. */
export interface NamedLocks {
  /** Waits for the locks and takes them, in an order that is the same for all transactions. */
  takeAll(names: readonly string[]): Transaction<void>;
  /** Takes the free locks without waiting, and returns their names. */
  takeFree(names: readonly string[]): Transaction<readonly string[]>;
}
