import type { Logger } from 'nestjs-runhooks/core';
import { Engine, resolveHandlerOptions, systemClock, type Handler, type OpenSource } from 'nestjs-runhooks/internal';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { SENDERS } from '../load/senders.js';
import { SECRETS } from '../secrets.js';

/** Messages received at the same time, which share a commit. */
const AT_ONCE = 500;
const silent = (): void => undefined;
const logger: Logger = { debug: silent, log: silent, warn: silent, error: console.error };

const handler: Handler = {
  ...resolveHandlerOptions('bench.drain', {}),
  label: 'bench.drain',
  subscriptions: [{ on: { types: ['run.succeeded'] }, filter: {} }],
  invoke: async () => undefined,
};

/** Stores and parses messages. Their deliveries are finished, or wait for a process that has the handler. */
async function fill(path: string, firstNumber: number, count: number, isSettled: boolean): Promise<void> {
  const store = sqliteInbox({ path }).createStore(logger);
  await store.open();
  const { handlers, receiver, dispatcher, sources } = new Engine({
    sources: [dbtCloud({ name: 'dbt', secrets: [SECRETS.dbt] })],
    store,
    clock: systemClock,
    logger,
    // With a concurrency of zero, deliveries are recorded and wait.
    concurrency: isSettled ? AT_ONCE : 0,
  });
  handlers.add(handler);
  for (let sent = 0; sent < count; sent += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - sent) }, (_, index) => firstNumber + sent + index);
    await Promise.all(
      batch.map((number) => {
        const { body, headers } = SENDERS.dbt(number);
        return receiver.receive(sources[0] as OpenSource, Buffer.from(body), headers);
      }),
    );
    await dispatcher.runUntilIdle();
  }
  await dispatcher.stop(0);
  await store.close();
}

const [path = '', firstNumber = '', count = '', state = ''] = process.argv.slice(2);
await fill(path, Number(firstNumber), Number(count), state === 'settled');
process.send?.('filled');
