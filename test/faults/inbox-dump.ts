import type { SqliteDriver } from 'nestjs-runhooks/sqlite';
import { connectSqlite, type SqliteConnection } from 'inside/sqlite-connection';

const TABLES = [
  'message_keys',
  'messages',
  'runs',
  'events',
  'deliveries',
  'attempts',
  'processes',
  'handlers',
  'series',
  'sources',
  'rounds',
  'cooldowns',
  'results',
  'result_nodes',
  'nodes',
  'actions',
];

/** Returns the whole content of an inbox as another process sees it. Throws if the file is damaged. */
export async function dumpInbox(file: string, driver: SqliteDriver): Promise<string> {
  const connection = await connectSqlite(file, driver);
  try {
    const [check] = connection.all('pragma integrity_check', []) as { integrity_check: string }[];
    if (check?.integrity_check !== 'ok') throw new Error(`${file} is damaged: ${check?.integrity_check}`);
    return TABLES.map((table) => dumpTable(connection, table)).join('\n');
  } finally {
    connection.close();
  }
}

function dumpTable(connection: SqliteConnection, table: string): string {
  const rows = connection
    .all(`select * from ${table}`, [])
    .map((row) =>
      JSON.stringify(row, (_, value: unknown) => (ArrayBuffer.isView(value) ? Array.from(value as Uint8Array) : value)),
    );
  return [`${table}:`, ...rows.sort()].join('\n');
}
