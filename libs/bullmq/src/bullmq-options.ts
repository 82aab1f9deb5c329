import { ConfigurationError } from 'nestjs-runhooks/core';
import { requireKnownOptions, requireOptions, requireInteger } from 'nestjs-runhooks/internal';

/** Where Redis is: a URL such as `redis://host:6379`, or options of ioredis. */
export type RedisConnection =
  | string
  | {
      /** @default '127.0.0.1' */
      readonly host?: string;
      /** @default 6379 */
      readonly port?: number;
      readonly username?: string;
      readonly password?: string;
      readonly db?: number;
      readonly tls?: object;
      /** Any other option of ioredis; not `keyPrefix`, see {@link BullmqOptions.prefix}. */
      readonly [option: string]: unknown;
    };

/** What `bullmq` takes. */
export interface BullmqOptions {
  readonly connection: RedisConnection;
  /**
   * Begins every key in Redis. Inboxes that share a Redis need different ones.
   * @default 'runhooks'
   */
  readonly prefix?: string;
  /**
   * Jobs that this process takes at the same time; no more attempts than the module's `concurrency` run at once anyway.
   * @default the module's `concurrency`
   */
  readonly concurrency?: number;
}

/** Every option there is; the compiler sees to it that none is missing. */
const OPTIONS = { connection: true, prefix: true, concurrency: true } satisfies Record<keyof BullmqOptions, true>;

/** Throws `ConfigurationError` naming the option. */
export function checkBullmqOptions(options: BullmqOptions): void {
  requireOptions(options, 'bullmq', 'bullmq({ connection: process.env.REDIS_URL })');
  requireKnownOptions('bullmq', options, OPTIONS);
  const { connection, prefix, concurrency } = options;
  checkConnection(connection);
  if (prefix !== undefined && (typeof prefix !== 'string' || prefix === '')) {
    throw new ConfigurationError('bullmq.prefix', `found ${JSON.stringify(prefix)}; expected a text that is not empty`);
  }
  if (concurrency !== undefined) requireInteger('bullmq.concurrency', concurrency, 1, Number.MAX_SAFE_INTEGER);
}

/** Never quotes what was found: it may hold a password. */
function checkConnection(connection: unknown): void {
  const option = 'bullmq.connection';
  if (typeof connection === 'string') {
    if (/^rediss?:\/\/./.test(connection)) return;
    throw new ConfigurationError(option, 'found a text; expected a URL that begins with redis:// or rediss://');
  }
  if (typeof connection !== 'object' || connection === null || Array.isArray(connection)) {
    throw new ConfigurationError(option, `found ${typeof connection}; expected a URL or { host, port }`);
  }
  if ('keyPrefix' in connection) {
    throw new ConfigurationError(`${option}.keyPrefix`, 'BullMQ does not work with it; use bullmq.prefix');
  }
  if ('defineCommand' in connection || 'sendCommand' in connection) {
    throw new ConfigurationError(
      option,
      'found a client; expected a URL or { host, port }: its connections are made and closed with the app',
    );
  }
}
