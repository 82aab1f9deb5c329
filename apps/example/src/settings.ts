/** What the example reads from its environment. Secrets are not checked here: Runhooks does, and names the option. */
export interface Settings {
  readonly http: 'express' | 'fastify';
  readonly port: number;
  readonly inboxPath: string;
  readonly dbtSecret: string | undefined;
  readonly dbtAccessUrl: string | undefined;
  readonly paradimeSecret: string | undefined;
}

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const { EXAMPLE_HTTP: http = 'express', PORT: port = '3000' } = env;
  if (http !== 'express' && http !== 'fastify') {
    throw new Error(`EXAMPLE_HTTP: found "${http}"; expected "express" or "fastify"`);
  }
  if (!/^\d{1,5}$/.test(port)) throw new Error(`PORT: found "${port}"; expected a port number`);
  return {
    http,
    port: Number(port),
    inboxPath: env.RUNHOOKS_DB ?? 'runhooks.db',
    dbtSecret: env.DBT_CLOUD_WEBHOOK_SECRET,
    dbtAccessUrl: env.DBT_CLOUD_ACCESS_URL,
    paradimeSecret: env.PARADIME_WEBHOOK_SECRET,
  };
}
