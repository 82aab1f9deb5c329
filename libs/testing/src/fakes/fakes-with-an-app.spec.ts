import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { OnRun, WebhooksModule, type RunEvent } from 'nestjs-runhooks';
import { TEST_SECRETS } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { ManualClock } from '../manual-clock.js';
import { memoryInbox } from '../memory-inbox.js';
import { waitUntilIdle } from '../wait-until-idle.js';
import { fakeDbtCloud, type FakeDbtCloud } from './dbt-cloud/fake-dbt-cloud.js';
import { fakeParadime, type FakeParadime } from './paradime/fake-paradime.js';

const clock = new ManualClock(new Date('2026-11-30T03:00:00Z'));

@Injectable()
class Seen {
  readonly events: string[] = [];

  @OnRun('run.started', 'run.succeeded', 'run.failed')
  add({ type, run }: RunEvent<'run.started' | 'run.succeeded' | 'run.failed'>): void {
    this.events.push(
      `${type} ${run.id} ${run.job.name} ${run.project?.name} ${run.environment?.name} ${run.durationMs}`,
    );
  }
}

@Module({
  imports: [
    WebhooksModule.forRoot({
      sources: [
        dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] }),
        paradime({ name: 'bolt', secrets: [TEST_SECRETS.paradime] }),
      ],
      inbox: memoryInbox(),
      clock,
    }),
  ],
  providers: [Seen],
})
class AppModule {}

describe('an app that the fakes send webhooks to', () => {
  let app: INestApplication;
  let dbt: FakeDbtCloud;
  let bolt: FakeParadime;
  let url: string;

  beforeEach(async () => {
    app = await NestFactory.create(AppModule, { logger: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    dbt = await fakeDbtCloud({ clock });
    bolt = await fakeParadime({ clock });
  });

  afterEach(async () => {
    await dbt.close();
    await bolt.close();
    await app.close();
  });

  it('runs handlers for the runs of both', async () => {
    dbt.subscribe({ url: `${url}/webhooks/dbt` });
    bolt.subscribe({ url: `${url}/webhooks/bolt` });
    const runs = [
      await dbt.job({ name: 'nightly', project: 'sales', environment: 'Prod' }).run({ id: '1' }),
      await bolt.schedule({ name: 'Nightly', slug: 'nightly-1a2b3c' }).run({ id: '2' }),
    ];
    await waitUntilIdle(app);
    clock.advance(60_000);
    for (const run of runs) await run.fail();
    await waitUntilIdle(app);
    expect(app.get(Seen).events.sort()).toEqual([
      'run.failed 1 nightly sales Prod 60000',
      'run.failed 2 Nightly analytics production 60000',
      'run.started 1 nightly sales Prod undefined',
      'run.started 2 Nightly analytics production undefined',
    ]);
    expect([...dbt.webhooks, ...bolt.webhooks].map(({ state }) => state)).toEqual(Array(5).fill('delivered'));
  });

  it('sees a repeated webhook once', async () => {
    dbt.subscribe({ url: `${url}/webhooks/dbt` });
    dbt.faults.repeatWebhooks();
    await dbt.job({ name: 'nightly' }).run();
    await waitUntilIdle(app);
    expect(dbt.webhooks[0]?.attempts).toMatchObject([{ status: 200 }, { status: 200 }]);
    expect(app.get(Seen).events).toHaveLength(1);
  });
});
