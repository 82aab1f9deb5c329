export const POSTGRES_URL = process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
export const REDIS_URL = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';

/** Maximum number of handlers that run at the same time in one process; the module's default. */
export const CONCURRENCY = 10;

export const TRANSPORTS = ['claim loop', 'bullmq'] as const;

/** The dispatch backend of the workers. */
export type TransportName = (typeof TRANSPORTS)[number];

/** The setup of one measurement. */
export interface MeasuredSetup {
  readonly transport: TransportName;
  /** Schema in Postgres and prefix in Redis. */
  readonly name: string;
  /** Time that the handler waits, as if for another system. */
  readonly handlerMs: number;
}
