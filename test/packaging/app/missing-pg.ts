// This app lacks the package pg, which a Postgres inbox needs.
import { NestFactory } from '@nestjs/core';
import { WebhooksModule } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { postgresInbox } from 'nestjs-runhooks/postgres';

void NestFactory.createApplicationContext(
  WebhooksModule.forRoot({
    sources: [dbtCloud({ name: 'dbt', secrets: [process.env['DBT_CLOUD_WEBHOOK_SECRET']] })],
    inbox: postgresInbox({ connectionString: 'postgres://127.0.0.1:1/none' }),
  }),
);
