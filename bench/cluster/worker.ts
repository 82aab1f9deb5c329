import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { OnRunSucceeded, WebhooksModule, type RunSucceeded } from 'nestjs-runhooks';
import { bullmq } from 'nestjs-runhooks/bullmq';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { postgresInbox } from 'nestjs-runhooks/postgres';
import { TEST_SECRETS } from 'nestjs-runhooks/testing';
import { CONCURRENCY, POSTGRES_URL, REDIS_URL, type MeasuredSetup } from './measured-setup.js';

const { transport, name, handlerMs } = JSON.parse(process.argv[2] ?? '') as MeasuredSetup;

/** Progress that a worker reports to its parent on request. */
export interface Progress {
  /** Number of finished handlers. */
  readonly handled: number;
  /** CPU time of this process since its start. */
  readonly cpuMs: number;
}

let handled = 0;

@Injectable()
class Handlers {
  @OnRunSucceeded({ id: 'bench' })
  async handle(_event: RunSucceeded): Promise<void> {
    if (handlerMs > 0) await sleep(handlerMs);
    handled += 1;
  }
}

@Module({
  imports: [
    WebhooksModule.forRoot({
      role: 'worker',
      sources: [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] })],
      inbox: postgresInbox({ connectionString: POSTGRES_URL, schema: name }),
      dispatch: transport === 'bullmq' ? bullmq({ connection: REDIS_URL, prefix: name }) : 'auto',
      concurrency: CONCURRENCY,
    }),
  ],
  providers: [Handlers],
})
class WorkerModule {}

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ handled, cpuMs: (user + system) / 1_000 } satisfies Progress);
});

const app = await NestFactory.createApplicationContext(WorkerModule, { logger: ['warn', 'error', 'fatal'] });
app.enableShutdownHooks();
process.send?.('ready');
