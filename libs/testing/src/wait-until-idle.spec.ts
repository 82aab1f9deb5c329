import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, type INestApplication, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { OnRunSucceeded, RetryLater, WebhooksModule, type DeliveryContext, type RunSucceeded } from 'nestjs-runhooks';
import { TEST_SECRETS } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { dbtCloudWebhook } from './webhooks/dbt-cloud-webhook.js';
import { ManualClock } from './manual-clock.js';
import { memoryInbox } from './memory-inbox.js';
import { sendWebhook } from './webhooks/send-webhook.js';
import { waitUntilIdle } from './wait-until-idle.js';

@Injectable()
class Flaky {
  readonly attempts: number[] = [];

  @OnRunSucceeded()
  async onSucceeded(_event: RunSucceeded, { attempt }: DeliveryContext): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.attempts.push(attempt);
    if (attempt === 1) throw new RetryLater(60_000);
  }
}

function appModule(dispatch: 'auto' | 'manual', clock: ManualClock): Type {
  @Module({
    imports: [
      WebhooksModule.forRoot({
        sources: [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] })],
        inbox: memoryInbox(),
        dispatch,
        clock,
      }),
    ],
    providers: [Flaky],
  })
  class AppModule {}
  return AppModule;
}

describe.each(['auto', 'manual'] as const)('waitUntilIdle with dispatch %s', (dispatch) => {
  let app: INestApplication;

  afterEach(async () => {
    await app.close();
  });

  it('waits for deliveries that are due by the clock of the app, and not for later ones', async () => {
    const clock = new ManualClock();
    app = await NestFactory.create(appModule(dispatch, clock), { logger: false });
    await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook({ now: clock.now() }));
    await waitUntilIdle(app);
    await waitUntilIdle(app);
    expect(app.get(Flaky).attempts).toEqual([1]);

    clock.advance(60_000);
    await waitUntilIdle(app);
    expect(app.get(Flaky).attempts).toEqual([1, 2]);
  });
});
