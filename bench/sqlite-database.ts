/** The part that both SQLite drivers share. */
export interface Database {
  exec(sql: string): unknown;
  prepare(sql: string): { run(...values: unknown[]): unknown; all(...values: unknown[]): unknown[] };
  close(): unknown;
}

/** Opens a file with the settings of Runhooks (WAL, FULL), and with the driver that Runhooks would use. */
export async function openDatabase(path: string): Promise<Database> {
  const builtIn = process.getBuiltinModule('node:sqlite') as typeof import('node:sqlite') | undefined;
  const database = builtIn
    ? (new builtIn.DatabaseSync(path) as unknown as Database)
    : new (await import('better-sqlite3')).default(path);
  database.exec('pragma journal_mode = wal');
  database.exec('pragma synchronous = full');
  return database;
}
