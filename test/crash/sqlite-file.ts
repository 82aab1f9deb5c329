/** An SQLite file, opened with any driver of this Node. */
export interface SqliteFile {
  all<Row>(sql: string): Row[];
  close(): void;
}

export async function openSqlite(path: string): Promise<SqliteFile> {
  const builtIn = process.getBuiltinModule('node:sqlite') as typeof import('node:sqlite') | undefined;
  const database = builtIn ? new builtIn.DatabaseSync(path) : new (await import('better-sqlite3')).default(path);
  return {
    all<Row>(sql: string): Row[] {
      return database.prepare(sql).all() as Row[];
    },
    close: () => void database.close(),
  };
}
