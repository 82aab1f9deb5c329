import type { Logger } from 'nestjs-runhooks/core';
import { resolvePostgresOptions } from '../postgres/postgres-options.js';
import type { SqliteDriver } from '../sqlite-connection/sqlite-connection.js';
import { SourceFile } from './source-file.js';
import { TABLES, type Table } from './tables.js';
import { TargetSchema, type Places } from './target-schema.js';

/** Options for {@link moveInbox}. */
export interface MoveOptions {
  /** Path of the SQLite file. */
  readonly from: string;
  /** URL of the database: `postgres://user:password@host:port/database` */
  readonly to: string;
  /** Schema. @default 'runhooks' */
  readonly schema?: string;
  /** Driver. @default the first available one */
  readonly driver?: SqliteDriver;
}

/** Progress in rows, of one table and of all tables. */
export interface Progress {
  readonly table: Table;
  readonly moved: number;
  readonly rows: number;
  readonly movedOfAll: number;
  readonly rowsOfAll: number;
}

/** Result of {@link moveInbox}. */
export interface Moved {
  readonly from: string;
  readonly to: string;
  /** Number of rows by table, the same on both sides. */
  readonly rows: Readonly<Record<Table, number>>;
  /** When an earlier move finished, if it left nothing to do. */
  readonly finishedBefore?: Date;
}

/**
 * Moves an inbox to Postgres in small steps, and resumes an earlier move of the same file. Apps can open the new inbox
 * once all rows have been moved.
 *
 * @throws ConfigurationError before anything is written, if the file or the target cannot be used
 * @throws StoreUnavailableError if the server failed; a new call resumes the move
 * @throws MoveError if the rows of the two differ
 */
export async function moveInbox(
  options: MoveOptions,
  onProgress: (progress: Progress) => unknown,
  logger: Logger,
): Promise<Moved> {
  const { schema } = resolvePostgresOptions({
    connectionString: options.to,
    ...(options.schema !== undefined && { schema: options.schema }),
  });
  const source = await SourceFile.open(options.from, new Date(), options.driver);
  try {
    const target = await TargetSchema.open(options.to, schema, logger);
    try {
      const { places, finishedAt } = await target.begin(source.fingerprint);
      const rows = Object.fromEntries(TABLES.map((table) => [table, source.count(table)])) as Record<Table, number>;
      if (!finishedAt) {
        await moveTables(source, target, { places, rows }, onProgress);
        await target.finish(rows, new Date());
      }
      const ends = { from: source.file, to: target.description, rows };
      return { ...ends, ...(finishedAt && { finishedBefore: finishedAt }) };
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

interface Plan {
  readonly places: Places;
  readonly rows: Readonly<Record<Table, number>>;
}

async function moveTables(
  source: SourceFile,
  target: TargetSchema,
  plan: Plan,
  onProgress: (progress: Progress) => unknown,
): Promise<void> {
  let { places } = plan;
  const rowsOfAll = Object.values(plan.rows).reduce((sum, rows) => sum + rows, 0);
  let movedOfAll = 0;
  for (const table of TABLES) {
    const rows = plan.rows[table];
    let moved = source.count(table, places[table] ?? 0);
    movedOfAll += moved;
    onProgress({ table, moved, rows, movedOfAll, rowsOfAll });
    for (let step = source.next(table, places[table] ?? 0); step; step = source.next(table, step.upTo)) {
      places = await target.write(step, places);
      moved += step.rows.length;
      movedOfAll += step.rows.length;
      onProgress({ table, moved, rows, movedOfAll, rowsOfAll });
    }
  }
}
