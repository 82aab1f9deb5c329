import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { OnRunSucceeded, WebhooksModule, type RunSucceeded } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import { monotonicMs } from '../monotonic.js';
import { SECRETS } from '../secrets.js';

const [path = '', expected = ''] = process.argv.slice(2);
let [handled, startedAtMs] = [0, 0];
let allHandled = (): void => undefined;

@Injectable()
class Drainer {
  @OnRunSucceeded({ id: 'bench.drain' })
  drain(_event: RunSucceeded): void {
    if (handled === 0) startedAtMs = monotonicMs();
    handled += 1;
    if (handled === Number(expected)) allHandled();
  }
}

@Module({
  imports: [
    WebhooksModule.forRoot({
      sources: [dbtCloud({ name: 'dbt', secrets: [SECRETS.dbt] })],
      inbox: sqliteInbox({ path }),
    }),
  ],
  providers: [Drainer],
})
class DrainModule {}

/**
 * Resolves when everything is handled. This app without HTTP handles an inbox with the defaults and reports its rate.
 */
const everything = new Promise<void>((resolve) => {
  allHandled = resolve;
});
const app = await NestFactory.createApplicationContext(DrainModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
await everything;
// Closing the app first records the results of the last handlers.
await app.close();
const seconds = (monotonicMs() - startedAtMs) / 1_000;
process.send?.({ perSecond: handled / seconds, handled });
