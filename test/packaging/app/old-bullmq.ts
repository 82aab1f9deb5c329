// This app has its own BullMQ, which is too old to dispatch deliveries.
import { NestFactory } from '@nestjs/core';
import { WebhooksModule } from 'nestjs-runhooks';
import { bullmq } from 'nestjs-runhooks/bullmq';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';

void NestFactory.createApplicationContext(
  WebhooksModule.forRoot({
    sources: [dbtCloud({ name: 'dbt', secrets: [process.env['DBT_CLOUD_WEBHOOK_SECRET']] })],
    inbox: sqliteInbox({ path: ':memory:' }),
    dispatch: bullmq({ connection: 'redis://127.0.0.1:6379' }),
  }),
);
