import type { ColumnDataType, ColumnDefinitionBuilder, Expression } from 'kysely';

type ColumnType = ColumnDataType | Expression<unknown>;

/** Where the engines' types differ. */
export interface ColumnTypes {
  /** Compared by its bytes, whatever the language of the database. */
  readonly text: ColumnType;
  readonly bytes: ColumnType;
  /** A whole number that the engine gives, each greater than those before. */
  readonly counter: ColumnType;
  readonly counted: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
}
