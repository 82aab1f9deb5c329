import { ConfigurationError } from 'nestjs-runhooks/core';
import type { Pool } from 'pg';
import { SQL_LIMITS } from '../limits.js';
import { checkPostgresFiles } from './postgres-url.js';

/** A pool of the inbox's own. Connections that break while nobody uses them are noticed by TCP keepalive. Throws {@link ConfigurationError} for files that cannot be used. */
export async function openPostgresPool(connectionString: string, connectionsMax: number): Promise<Pool> {
  checkPostgresFiles(connectionString);
  const pg = await loadPg();
  return new pg.Pool({
    connectionString,
    max: connectionsMax,
    connectionTimeoutMillis: SQL_LIMITS.postgresConnectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: SQL_LIMITS.listenCheckMs,
    application_name: 'nestjs-runhooks',
  });
}

async function loadPg(): Promise<Pick<typeof import('pg'), 'Pool'>> {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    throw new ConfigurationError(
      'postgresInbox',
      'the package pg could not be loaded; run `npm install pg@8`, or hand in a pool',
      { cause },
    );
  }
}
