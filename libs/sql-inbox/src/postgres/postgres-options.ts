import { ConfigurationError, requireInteger } from 'nestjs-runhooks/core';
import { requireKnownOptions } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import type { PostgresPool } from '../postgres-connection/postgres-client.js';
import { checkPostgresUrl } from '../postgres-connection/postgres-url.js';

/** Options for an inbox in PostgreSQL. Set either `connectionString` or `pool`. */
export interface PostgresInboxOptions {
  /**
   * URL, such as `postgres://user:password@host:port/database?sslmode=…`. The inbox opens and closes its own
   * connections.
   */
  readonly connectionString?: string | undefined;
  /**
   * `Pool` of `pg` that the app opens and closes, instead of `connectionString`. One of its clients is kept for
   * notifications.
   */
  readonly pool?: PostgresPool;
  /** Maximum number of connections of this process, with `connectionString`. @default 10 */
  readonly connectionsMax?: number;
  /** Schema of the tables, which is created if it does not exist. @default 'runhooks' */
  readonly schema?: string;
  /**
   * Whether processes wake each other by LISTEN and NOTIFY. Set it to `false` behind PgBouncer in transaction mode,
   * which does not support them: each process then polls once a second. @default true
   */
  readonly notify?: boolean;
}

export type ResolvedPostgresOptions = Required<Pick<PostgresInboxOptions, 'schema' | 'notify' | 'connectionsMax'>> &
  ({ readonly pool: PostgresPool } | { readonly connectionString: string });

const OPTIONS = {
  connectionString: true,
  pool: true,
  connectionsMax: true,
  schema: true,
  notify: true,
} satisfies Record<keyof PostgresInboxOptions, true>;

/** Shorter than the 63 bytes of a name, to leave room for names that are derived from it. */
const SCHEMA = /^[A-Za-z_][A-Za-z0-9_-]{0,49}$/;

/**
 * Returns the options with defaults. Throws {@link ConfigurationError} with the option, and never shows a connection
 * string.
 */
export function resolvePostgresOptions(options: PostgresInboxOptions): ResolvedPostgresOptions {
  requireKnownOptions('postgresInbox', options, OPTIONS);
  const { schema = 'runhooks', notify = true, connectionsMax = SQL_LIMITS.postgresConnections } = options;
  if (typeof schema !== 'string' || !SCHEMA.test(schema) || schema.toLowerCase().startsWith('pg_')) {
    throw new ConfigurationError(
      'postgresInbox.schema',
      `expected 1 to 50 letters, digits, "_" or "-", not starting with "pg_" or a digit, got ${JSON.stringify(schema)}`,
    );
  }
  if (typeof notify !== 'boolean') {
    throw new ConfigurationError('postgresInbox.notify', `expected a boolean, got ${typeof notify}`);
  }
  requireInteger('postgresInbox.connectionsMax', connectionsMax, 2, 10_000);
  return { schema, notify, connectionsMax, ...resolveSource(options, notify) };
}

function resolveSource(options: PostgresInboxOptions, notify: boolean) {
  const { pool, connectionString } = options;
  const isNamed = connectionString !== undefined || (pool === undefined && 'connectionString' in options);
  if ((pool !== undefined) === isNamed) {
    const found = pool ? 'both' : 'neither';
    throw new ConfigurationError('postgresInbox', `expected pool or connectionString, got ${found}`);
  }
  if (pool !== undefined) {
    requirePool(pool, notify);
    return { pool };
  }
  checkPostgresUrl(connectionString);
  return { connectionString };
}

function requirePool(pool: PostgresPool, notify: boolean): void {
  const verbs: readonly (keyof PostgresPool)[] = ['connect', 'on', 'removeListener'];
  if (typeof pool !== 'object' || verbs.some((verb) => typeof pool[verb] !== 'function')) {
    throw new ConfigurationError('postgresInbox.pool', 'expected a Pool of the package pg, got another value');
  }
  if (notify && pool.options?.max === 1) {
    throw new ConfigurationError(
      'postgresInbox.pool',
      'expected a pool with max: 2 or more, got max: 1, which is kept for notifications. Raise max, or set notify: false',
    );
  }
}
