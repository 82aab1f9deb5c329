export const POSTGRES_URL = process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
export const REDIS_URL = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';

/** Handlers that may run at the same time in one process: the default of the module. */
export const CONCURRENCY = 10;

export const TRANSPORTS = ['claim loop', 'bullmq'] as const;

/** How due deliveries come to a dispatcher. */
export type TransportName = (typeof TRANSPORTS)[number];

/** Where one measurement takes place. */
export interface MeasuredSetup {
  readonly transport: TransportName;
  /** Schema in Postgres, and prefix in Redis. */
  readonly name: string;
  /** How long the handler waits, as it would for another system. */
  readonly handlerMs: number;
}
