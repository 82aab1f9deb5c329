import { ConfigurationError, requireInteger } from 'nestjs-runhooks/core';
import { requireKnownOptions, requireOptions } from 'nestjs-runhooks/internal';

/** Connection to Redis: a URL such as `redis://host:6379`, or options of ioredis. */
export type RedisConnection =
  | string
  | {
      /** Host. @default '127.0.0.1' */
      readonly host?: string;
      /** Port. @default 6379 */
      readonly port?: number;
      readonly username?: string;
      readonly password?: string;
      readonly db?: number;
      readonly tls?: object;
      /** Any other option of ioredis, except `keyPrefix` (see {@link BullmqOptions.prefix}). */
      readonly [option: string]: unknown;
    };

/** Options for {@link bullmq}. */
export interface BullmqOptions {
  /** Connection to Redis. */
  readonly connection: RedisConnection;
  /**
   * Prefix of every key in Redis. Inboxes that share a Redis need different prefixes.
   * @default 'runhooks'
   */
  readonly prefix?: string;
  /**
   * Number of handlers that may run at the same time in this process, whether BullMQ brings their deliveries or the process
   * has recorded them itself. The module's `concurrency` limits it, too.
   * @default the module's `concurrency`
   */
  readonly concurrency?: number;
}

/** All options; the compiler checks that none is missing. */
const OPTIONS = { connection: true, prefix: true, concurrency: true } satisfies Record<keyof BullmqOptions, true>;

/** Throws `ConfigurationError` with the path of an invalid option. */
export function checkBullmqOptions(options: BullmqOptions): void {
  requireOptions(options, 'bullmq', 'bullmq({ connection: process.env.REDIS_URL })');
  requireKnownOptions('bullmq', options, OPTIONS);
  const { connection, prefix, concurrency } = options;
  checkConnection(connection);
  if (prefix !== undefined && (typeof prefix !== 'string' || prefix === '')) {
    throw new ConfigurationError('bullmq.prefix', `expected a non-empty string, got ${JSON.stringify(prefix)}`);
  }
  if (concurrency !== undefined) requireInteger('bullmq.concurrency', concurrency, 1, Number.MAX_SAFE_INTEGER);
}

/** Never quotes the connection, which may contain a password. */
function checkConnection(connection: unknown): void {
  const option = 'bullmq.connection';
  if (typeof connection === 'string') {
    if (/^rediss?:\/\/./.test(connection)) return;
    throw new ConfigurationError(option, 'expected a URL that starts with redis:// or rediss://, got another string');
  }
  if (typeof connection !== 'object' || connection === null || Array.isArray(connection)) {
    throw new ConfigurationError(option, `expected a URL or { host, port }, got ${typeof connection}`);
  }
  if ('keyPrefix' in connection) {
    throw new ConfigurationError(`${option}.keyPrefix`, 'BullMQ does not support it. Use bullmq.prefix');
  }
  if ('defineCommand' in connection || 'sendCommand' in connection) {
    throw new ConfigurationError(
      option,
      'expected a URL or { host, port }, got a client. Connections are opened and closed with the app',
    );
  }
}
