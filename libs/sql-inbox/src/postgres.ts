import type { StoreFactory } from 'nestjs-runhooks/core';
import { requireOptions } from 'nestjs-runhooks/internal';
import type { PostgresInboxOptions } from './postgres/postgres-options.js';
import { PostgresStore } from './postgres/postgres-store.js';

export type {
  PostgresClient,
  PostgresNotification,
  PostgresPool,
  PostgresQuery,
} from './postgres-connection/postgres-client.js';
export type { PostgresInboxOptions } from './postgres/postgres-options.js';

/**
 * Creates an inbox in a schema of a PostgreSQL database (14 or newer), shared by all replicas of an app.
 *
 * @example
 * WebhooksModule.forRoot({ sources: [...], inbox: postgresInbox({ connectionString: process.env.DATABASE_URL }) })
 *
 * @throws ConfigurationError if an option is invalid
 */
export function postgresInbox(options: PostgresInboxOptions): StoreFactory {
  requireOptions(options, 'postgresInbox', 'postgresInbox({ connectionString: process.env.DATABASE_URL })');
  return { createStore: (logger) => new PostgresStore(options, logger) };
}
