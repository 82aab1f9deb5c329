import { Queue } from 'bullmq';
import * as ioredis from 'ioredis';
import { ConfigurationError, type DispatchTransportFactory } from 'nestjs-runhooks/core';
import { checkBullmqOptions, type BullmqOptions } from './bullmq-options.js';
import { BullmqTransport } from './bullmq-transport.js';

/** In older ones workers could hang for good after Redis had been away. */
const OLDEST = [6, 3, 3] as const;

/**
 * Dispatch over Redis, for `WebhooksModule.forRoot({ dispatch: bullmq({ connection }) })`: BullMQ carries the ids of due
 * deliveries to the workers and wakes them. The inbox stays the truth: what is due and when, attempts and
 * outcomes are there. Throws `ConfigurationError` naming the option.
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

/** BullMQ tells its version only in what it writes into Redis; if it no longer does, the range of the peer has to do. */
function requireBullmq(): void {
  const said: unknown = Reflect.get(Queue.prototype, 'metaValues', {});
  const text = typeof said === 'object' && said !== null && 'version' in said ? String(said.version) : '';
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
        `found bullmq ${version}; expected ${oldest} or newer. Run \`npm install bullmq@^${oldest}\`, or leave \`dispatch\` out`,
      );
    }
  }
}

/** The version is not exported. The class has this name since version 5, which is what BullMQ needs. */
function requireIoredis(): void {
  if ('Redis' in ioredis) return;
  throw new ConfigurationError(
    'dispatch',
    'found an ioredis that is older than 5; expected 5 or newer. Run `npm install ioredis@5`, or leave `dispatch` out',
  );
}
