import { ConfigurationError } from 'nestjs-runhooks/core';
import { requireKnownOptions, requireInteger } from 'nestjs-runhooks/internal';
import { SQL_LIMITS } from '../limits.js';
import type { PostgresPool } from '../postgres-connection/postgres-client.js';
import { checkPostgresUrl } from '../postgres-connection/postgres-url.js';

export interface PostgresInboxOptions {
  /** `postgres://user:password@host:port/database?sslmode=…`. The inbox opens and closes connections of its own. */
  readonly connectionString?: string | undefined;
  /** In place of `connectionString`: a `Pool` of `pg` that the app opens and closes. One of its clients is kept for notifications. */
  readonly pool?: PostgresPool;
  /** Connections of this process, with `connectionString`. @default 10 */
  readonly connectionsMax?: number;
  /** The schema that the tables are in; made if it is not there. @default 'runhooks' */
  readonly schema?: string;
  /**
   * Whether processes wake each other by LISTEN and NOTIFY. `false` behind pgbouncer in transaction mode, where they do
   * not work: then each looks once a second for what others stored. @default true
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

/** Of 63 bytes that a name may have, some are left for the names that are made of it. */
const SCHEMA = /^[A-Za-z_][A-Za-z0-9_-]{0,49}$/;

/** Throws {@link ConfigurationError} naming the option. What a connection string holds is never shown. */
export function resolvePostgresOptions(options: PostgresInboxOptions): ResolvedPostgresOptions {
  requireKnownOptions('postgresInbox', options, OPTIONS);
  const { schema = 'runhooks', notify = true, connectionsMax = SQL_LIMITS.postgresConnections } = options;
  if (typeof schema !== 'string' || !SCHEMA.test(schema) || schema.toLowerCase().startsWith('pg_')) {
    throw new ConfigurationError(
      'postgresInbox.schema',
      `found ${JSON.stringify(schema)}; expected 1 to 50 letters, digits, "_" or "-", not beginning with "pg_" or a digit`,
    );
  }
  if (typeof notify !== 'boolean') {
    throw new ConfigurationError('postgresInbox.notify', `found ${typeof notify}; expected true or false`);
  }
  requireInteger('postgresInbox.connectionsMax', connectionsMax, 2, 10_000);
  return { schema, notify, connectionsMax, ...resolveSource(options, notify) };
}

function resolveSource(options: PostgresInboxOptions, notify: boolean) {
  const { pool, connectionString } = options;
  const isNamed = connectionString !== undefined || (pool === undefined && 'connectionString' in options);
  if ((pool !== undefined) === isNamed) {
    const found = pool ? 'both pool and' : 'neither pool nor';
    throw new ConfigurationError('postgresInbox', `found ${found} connectionString; expected one of them`);
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
    throw new ConfigurationError('postgresInbox.pool', 'found something else; expected a Pool of the package pg');
  }
  if (notify && pool.options?.max === 1) {
    throw new ConfigurationError(
      'postgresInbox.pool',
      'found a pool with max: 1, whose only client would be kept for notifications; let it have more, or set notify: false',
    );
  }
}
