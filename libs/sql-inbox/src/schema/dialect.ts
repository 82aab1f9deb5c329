import type { AliasedExpression, Expression, Kysely, SelectQueryBuilder, SqlBool } from 'kysely';
import type { Schema } from './schema.js';
import type { Transaction } from './statement.js';

/** Where the engines' SQL differs. */
export interface SqlDialect {
  /** Builds and compiles queries; never runs one. */
  readonly db: Kysely<Schema>;
  /** Texts as {@link isOneOf} takes them: one value for a list of any length. */
  list(values: readonly string[]): string;
  /** The texts of such a list as rows, in the order of the list. */
  rowsOf(list: string): AliasedExpression<{ value: string }, 'listed'>;
  /** `column` is one of the values in `list`, a JSON text array: one statement for lists of any length. */
  isOneOf(column: Expression<unknown>, list: string): Expression<SqlBool>;
  /** `column`, a text, holds `part`. */
  holds(column: Expression<unknown>, part: string): Expression<SqlBool>;
  /** The same for bytes. */
  holdsBytes(column: Expression<unknown>, part: Uint8Array): Expression<SqlBool>;
  /** Waits for others that are changing the rows found, and holds them until the transaction ends. */
  locking<DB, TB extends keyof DB, O>(query: SelectQueryBuilder<DB, TB, O>): SelectQueryBuilder<DB, TB, O>;
  /** The same, but passes over rows that somebody else holds. */
  skippingLocked<DB, TB extends keyof DB, O>(query: SelectQueryBuilder<DB, TB, O>): SelectQueryBuilder<DB, TB, O>;
  readonly locks: NamedLocks;
}

/** Locks of what may have no row yet, known by name, held until the transaction ends. */
export interface NamedLocks {
  /** Waits for it. */
  take(name: string): Transaction<void>;
  /** Takes those that are free, without waiting. Answers them. */
  takeFree(names: readonly string[]): Transaction<readonly string[]>;
}
