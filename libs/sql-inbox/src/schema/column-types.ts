import type { ColumnDataType, ColumnDefinitionBuilder, CreateTableBuilder, Expression } from 'kysely';

type ColumnType = ColumnDataType | Expression<unknown>;

/** Differences between the engines in the definition of tables. */
export interface ColumnTypes {
  /** String type that compares by bytes, regardless of the language of the database. */
  readonly text: ColumnType;
  readonly bytes: ColumnType;
  /** Integer that the engine assigns, greater than every earlier one. */
  readonly counter: ColumnType;
  readonly counted: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
  /** Stores the rows of a table in its primary key, if the engine can. It suits small rows. */
  readonly inKey: <Table extends string, Columns extends string>(
    table: CreateTableBuilder<Table, Columns>,
  ) => CreateTableBuilder<Table, Columns>;
}

export function notNull(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull();
}

export function primaryKey(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.primaryKey();
}

/** Returns a column that starts as `value` where an insert does not set it. */
export function startingAs(value: string | number): (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder {
  return (column) => column.notNull().defaultTo(value);
}
