import type { ColumnDataType, ColumnDefinitionBuilder, Expression } from 'kysely';

type ColumnType = ColumnDataType | Expression<unknown>;

/** Column types that differ between the engines. */
export interface ColumnTypes {
  /** String type that compares by bytes, regardless of the language of the database. */
  readonly text: ColumnType;
  readonly bytes: ColumnType;
  /** Integer that the engine assigns, greater than every earlier one. */
  readonly counter: ColumnType;
  readonly counted: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
}
