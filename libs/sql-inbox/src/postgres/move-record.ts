import { ConfigurationError } from 'nestjs-runhooks/core';
import type { PostgresConnection } from '../postgres-connection/postgres-connection.js';

/** Returns the table with the progress of a move into a schema: one row, beside the tables of the inbox. */
export function recordTable(schema: string): string {
  return `"${schema}".runhooks_move`;
}

/** Columns of {@link recordTable}. */
export const RECORD_COLUMNS =
  'only_row integer primary key check (only_row = 1), source text not null, places text not null, finished_at bigint';

export interface MoveRecord {
  /** Fingerprint of the file. */
  readonly source: string;
  /** Position in the file of the last moved row, by table, as JSON. */
  readonly places: string;
  readonly finished_at: number | null;
}

/** Reads the progress of a move, or `undefined` if nothing was ever moved into the schema. */
export async function readRecord(connection: PostgresConnection, schema: string): Promise<MoveRecord | undefined> {
  const table = recordTable(schema);
  const [found] = await connection.all('select to_regclass($1) is not null as there', [table]);
  if ((found as { there: unknown }).there !== 't') return undefined;
  const [row] = await connection.all(`select source, places, finished_at from ${table}`, []);
  return row as MoveRecord | undefined;
}

/**
 * Throws {@link ConfigurationError} while an inbox is being moved into the schema, because its rows are not complete.
 */
export async function refuseHalfMoved(connection: PostgresConnection, schema: string): Promise<void> {
  const record = await readRecord(connection, schema);
  if (!record || record.finished_at !== null) return;
  throw new ConfigurationError(
    'postgresInbox.schema',
    `an inbox is being moved into the schema ${schema}, and is not complete. Let \`npx nestjs-runhooks move\` ` +
      `finish, run it again, or abandon the move with \`drop schema "${schema}" cascade\``,
  );
}
