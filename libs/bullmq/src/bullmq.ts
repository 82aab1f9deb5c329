import { Queue } from 'bullmq';
import * as ioredis from 'ioredis';
import { ConfigurationError, type DispatchTransportFactory } from 'nestjs-runhooks/core';
import { checkBullmqOptions, type BullmqOptions } from './bullmq-options.js';
import { BullmqTransport } from './bullmq-transport.js';

/** Oldest supported version: in older versions workers could hang forever after an outage of Redis. */
const OLDEST = [6, 3, 3] as const;

/**
 * Creates a dispatch backend on Redis: BullMQ brings the ids of due deliveries to the workers and wakes them. Due
 * times, attempts and outcomes stay in the inbox.
 *
 * @example WebhooksModule.forRoot({ sources: [...], inbox, dispatch: bullmq({ connection: process.env.REDIS_URL }) })
 *
 * @throws ConfigurationError if an option is invalid
 */
export function bullmq(options: BullmqOptions): DispatchTransportFactory {
  checkBullmqOptions(options);
  const kept = { ...options };
  return Object.freeze({
    createTransport: (logger) => {
      requireBullmq();
      requireIoredis();
      return new BullmqTransport(kept, logger);
    },
  } satisfies DispatchTransportFactory);
}

/** Checks the version of BullMQ, known only from the metadata that it writes to Redis. Without it, any version passes. */
function requireBullmq(): void {
  const metadata: unknown = Reflect.get(Queue.prototype, 'metaValues', {});
  const text =
    typeof metadata === 'object' && metadata !== null && 'version' in metadata ? String(metadata.version) : '';
  const found = /(\d+)\.(\d+)\.(\d+)/.exec(text);
  if (!found) return;
  const [version, ...parts] = found;
  for (const [index, oldest] of OLDEST.entries()) {
    const part = Number(parts[index]);
    if (part > oldest) return;
    if (part < oldest) {
      const oldest = OLDEST.join('.');
      throw new ConfigurationError(
        'dispatch',
        `expected bullmq ${oldest} or newer, got ${version}. Run \`npm install bullmq@^${oldest}\`, or remove \`dispatch\``,
      );
    }
  }
}

/** Checks that ioredis is version 5 or newer, as BullMQ needs: since then its class has this name. */
function requireIoredis(): void {
  if ('Redis' in ioredis) return;
  throw new ConfigurationError(
    'dispatch',
    'expected ioredis 5 or newer, got an older version. Run `npm install ioredis@5`, or remove `dispatch`',
  );
}
