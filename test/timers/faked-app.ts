import { Injectable } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { StoreFactory } from 'nestjs-runhooks/core';
import { OnRun, WebhooksModule, type RunEvent } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { dbtCloudWebhook, memoryInbox, sendWebhook, TEST_SECRETS, waitUntilIdle } from 'nestjs-runhooks/testing';
import { newAdapter, type AdapterName } from '../e2e/http-app.js';

/**
 * Starts an app, sends it a webhook, handles it and stops. Every app in a host's tests must do this with any fake
 * timers.
 */
export async function liveUnderFakeTimers(
  adapter: AdapterName,
  inbox: StoreFactory = memoryInbox(),
): Promise<string[]> {
  const types: string[] = [];

  @Injectable()
  class Handled {
    @OnRun('run.succeeded', 'run.completed', { id: 'handled' })
    add({ type }: RunEvent): void {
      types.push(type);
    }
  }

  const root = {
    module: class AppModule {},
    imports: [
      WebhooksModule.forRoot({
        sources: [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] })],
        inbox,
      }),
    ],
    providers: [Handled],
  };
  const app = await NestFactory.create(root, newAdapter(adapter), { logger: false, abortOnError: false });
  await app.init();
  const answer = await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook());
  if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
  await waitUntilIdle(app);
  await app.close();
  return types.sort();
}
