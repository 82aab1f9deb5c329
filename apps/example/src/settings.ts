import type { Role } from 'nestjs-runhooks';
import type { DbtCloudApiOptions } from 'nestjs-runhooks/dbt-cloud';

export const ENVIRONMENT = `  DBT_CLOUD_WEBHOOK_SECRET   the secret of the webhook in dbt Cloud
  PARADIME_WEBHOOK_SECRET    the secret of the endpoint at Paradime
  DBT_CLOUD_ACCESS_URL       your dbt Cloud URL, used for links to runs and for the API
  DBT_CLOUD_READ_TOKEN       token that reads runs: sweeps find runs that no webhook reported
  DBT_CLOUD_ACT_TOKEN        token that starts runs: some failed runs are retried once
  RUNHOOKS_DB                path of an SQLite inbox (default: runhooks.db)
  RUNHOOKS_DATABASE_URL      postgres://…: use a Postgres inbox instead of the file
  RUNHOOKS_REDIS_URL         redis://…: dispatch due deliveries to workers with BullMQ
  RUNHOOKS_ROLE              receiver, worker or both (default: both)
  EXAMPLE_HTTP               express or fastify (default: express)
  PORT                       port of receivers (default: 3000)
`;

/**
 * Settings of the example from the environment. Runhooks checks secrets and URLs itself, and its errors name the
 * option.
 */
export interface Settings {
  readonly http: 'express' | 'fastify';
  readonly port: number;
  readonly role: Role;
  readonly inboxPath: string;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly dbtSecret: string | undefined;
  readonly dbtAccessUrl: string | undefined;
  /** Access to the API of dbt Cloud; `undefined` without sweeps and retries. */
  readonly dbtApi: DbtCloudApiOptions | undefined;
  readonly paradimeSecret: string | undefined;
}

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const { EXAMPLE_HTTP: http = 'express', PORT: port = '3000', RUNHOOKS_ROLE: role = 'both' } = env;
  const { DBT_CLOUD_READ_TOKEN: readToken, DBT_CLOUD_ACT_TOKEN: actToken } = env;
  const dbtApi = { ...(readToken !== undefined && { readToken }), ...(actToken !== undefined && { actToken }) };
  if (http !== 'express' && http !== 'fastify') {
    throw new Error(`EXAMPLE_HTTP: found "${http}"; expected "express" or "fastify"`);
  }
  if (role !== 'receiver' && role !== 'worker' && role !== 'both') {
    throw new Error(`RUNHOOKS_ROLE: found "${role}"; expected "receiver", "worker" or "both"`);
  }
  if (!/^\d{1,5}$/.test(port)) throw new Error(`PORT: found "${port}"; expected a port number`);
  return {
    http,
    port: Number(port),
    role,
    inboxPath: env.RUNHOOKS_DB ?? 'runhooks.db',
    databaseUrl: env.RUNHOOKS_DATABASE_URL,
    redisUrl: env.RUNHOOKS_REDIS_URL,
    dbtSecret: env.DBT_CLOUD_WEBHOOK_SECRET,
    dbtAccessUrl: env.DBT_CLOUD_ACCESS_URL,
    dbtApi: Object.keys(dbtApi).length === 0 ? undefined : dbtApi,
    paradimeSecret: env.PARADIME_WEBHOOK_SECRET,
  };
}
