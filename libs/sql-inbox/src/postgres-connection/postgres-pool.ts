import { ConfigurationError } from 'nestjs-runhooks/core';
import type { Pool } from 'pg';
import { SQL_LIMITS } from '../limits.js';
import { checkPostgresFiles } from './postgres-url.js';

/**
 * Opens a pool, in which TCP keepalive detects broken idle connections. Throws {@link ConfigurationError} for unusable
 * files.
 */
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
      'the package pg could not be loaded. Run `npm install pg@8`, or pass a pool',
      { cause },
    );
  }
}
