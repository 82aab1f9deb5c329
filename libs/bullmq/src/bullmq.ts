import { Queue } from 'bullmq';
import { ConfigurationError, type TransportFactory } from 'nestjs-runhooks/core';
import { checkBullmqOptions, type BullmqOptions } from './bullmq-options.js';
import { BullmqTransport } from './bullmq-transport.js';

/** In older ones workers could hang for good after Redis had been away. */
const OLDEST = [6, 3, 3] as const;

/**
 * Dispatch over Redis, for `WebhooksModule.forRoot({ dispatch: bullmq({ connection }) })`: BullMQ carries the ids of due
 * deliveries to the dispatchers and wakes them. The inbox stays the truth: what is due and when, attempts and
 * outcomes are there. Throws `ConfigurationError` naming the option.
 */
export function bullmq(options: BullmqOptions): TransportFactory {
  checkBullmqOptions(options);
  const kept = { ...options };
  return Object.freeze({
    createTransport: (logger) => {
      requireVersion();
      return new BullmqTransport(kept, logger);
    },
  } satisfies TransportFactory);
}

/** BullMQ tells its version only in what it writes into Redis; if it no longer does, the range of the peer has to do. */
function requireVersion(): void {
  const said: unknown = Reflect.get(Queue.prototype, 'metaValues', {});
  const text = typeof said === 'object' && said !== null && 'version' in said ? String(said.version) : '';
  const found = /(\d+)\.(\d+)\.(\d+)/.exec(text);
  if (!found) return;
  const [version, ...parts] = found;
  for (const [index, oldest] of OLDEST.entries()) {
    const part = Number(parts[index]);
    if (part > oldest) return;
    if (part < oldest) {
      throw new ConfigurationError('dispatch', `found bullmq ${version}; expected ${OLDEST.join('.')} or newer`);
    }
  }
}
