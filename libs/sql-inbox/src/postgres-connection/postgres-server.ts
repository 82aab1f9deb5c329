import { ConfigurationError, type Logger } from 'nestjs-runhooks/core';
import { SQL_LIMITS } from '../limits.js';
import type { PostgresConnection } from './postgres-connection.js';

/** https://www.postgresql.org/docs/14/runtime-config-connection.html#GUC-CLIENT-CONNECTION-CHECK-INTERVAL */
export const NOTICE_LOST_CLIENT = `set local client_connection_check_interval = ${SQL_LIMITS.lostClientMs}`;

const VERSION_MIN = 140_000;

interface Server {
  number: number;
  version: string;
  encoding: string;
  fsync: string;
  database: string;
}

export interface ServerFacts {
  /** Server and database, for the startup log. */
  readonly description: string;
  /** Whether the server can end a statement whose client is gone, which depends on its operating system. */
  readonly noticesLostClients: boolean;
}

/** Checks the server before anything is written. Throws {@link ConfigurationError}. */
export async function checkServer(
  connection: PostgresConnection,
  option: string,
  logger: Logger,
): Promise<ServerFacts> {
  const [row] = await connection.all(
    `select cast(current_setting('server_version_num') as integer) as number, current_setting('server_version') as version,
      current_setting('server_encoding') as encoding, current_setting('fsync') as fsync,
      cast(current_database() as text) as database`,
    [],
  );
  const { number, version, encoding, fsync, database } = row as Server;
  if (number < VERSION_MIN) {
    throw new ConfigurationError(option, `expected PostgreSQL 14 or newer, got ${version}. Upgrade the server`);
  }
  if (encoding !== 'UTF8') {
    throw new ConfigurationError(
      option,
      `expected a database with encoding UTF8, got ${encoding} (database ${database}). Create one with UTF8`,
    );
  }
  if (fsync === 'off') {
    logger.warn(
      `Postgres server of database ${database} runs with fsync=off: a crash of it loses acknowledged webhooks. Set fsync=on`,
      { code: 'RUNHOOKS_FSYNC_OFF' },
    );
  }
  const noticesLostClients = await connection.exec(`begin; ${NOTICE_LOST_CLIENT}`).then(
    () => true,
    () => false,
  );
  await connection.exec('rollback');
  return { description: `PostgreSQL ${version}, database ${database}`, noticesLostClients };
}

/** Returns the time of the server's clock. */
export async function serverTime(connection: PostgresConnection): Promise<Date> {
  const [row] = await connection.all('select extract(epoch from clock_timestamp()) * 1000 as now_ms', []);
  return new Date(Number((row as { now_ms: unknown }).now_ms));
}
