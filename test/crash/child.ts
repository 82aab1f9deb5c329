import 'reflect-metadata';
import { text } from 'node:stream/consumers';
import { ConsoleLogger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { StoreFactory } from 'nestjs-runhooks/core';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { CrashApp } from './crash-app.js';
import { fastClock } from './fast-clock.js';
import { Ledger } from './ledger.js';

/** The process that is killed: an app as a host would write it. Says on stdout how far it is; logs to stderr. */
async function main([inboxPath = '', ledgerPath = '', life = '', clockStart = '']: readonly string[]): Promise<void> {
  await text(process.stdin);
  const options = {
    inbox: telling(sqliteInbox({ path: inboxPath })),
    clock: fastClock(Number(clockStart)),
    ledger: new Ledger(ledgerPath),
    life: Number(life),
  };
  const app = await NestFactory.create<NestFastifyApplication>(CrashApp.with(options), new FastifyAdapter(), {
    logger: new StderrLogger({ prefix: `life ${life}`, colors: false, logLevels: ['warn', 'error', 'fatal'] }),
  });
  app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
  await app.listen(0, '127.0.0.1');
  tell(`ready ${new URL(await app.getUrl()).port}`);
}

/** stdout is for the parent. */
class StderrLogger extends ConsoleLogger {
  protected override printMessages(
    messages: unknown[],
    context?: string,
    logLevel?: Parameters<ConsoleLogger['printMessages']>[2],
  ): void {
    super.printMessages(messages, context, logLevel, 'stderr');
  }
}

/** The same inbox; the parent learns when its file is opened, which is when its schema is made or checked. */
function telling(inbox: StoreFactory): StoreFactory {
  return {
    createStore(logger) {
      const store = inbox.createStore(logger);
      const open = store.open.bind(store);
      store.open = () => {
        tell('opening');
        return open();
      };
      return store;
    },
  };
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

await main(process.argv.slice(2));
