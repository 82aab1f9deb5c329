import { Injectable, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { InjectProviderApi, OnRun, WebhooksModule, type RunEvent } from 'nestjs-runhooks';
import { TEST_SECRETS } from 'nestjs-runhooks/core';
import { ParadimeApi, paradime } from 'nestjs-runhooks/paradime';
import {
  fakeParadime,
  ManualClock,
  memoryInbox,
  sweep,
  waitUntilIdle,
  type FakeBoltSchedule,
  type FakeParadime,
} from 'nestjs-runhooks/testing';

const MINUTE = 60_000;

@Injectable()
class OnCall {
  readonly events: string[] = [];
  readonly results: unknown[] = [];

  constructor(@InjectProviderApi('bolt') readonly api: ParadimeApi) {}

  @OnRun('run.failed', 'run.canceled', 'run.completed', { project: 'analytics', job: 'nightly-run' })
  async note({ type, run, origin }: RunEvent): Promise<void> {
    this.events.push(`${type} ${run.id} ${origin}`);
    if (type !== 'run.failed') return;
    const [artifact] = await this.api.artifacts({ runId: run.id });
    if (artifact) this.results.push(await this.api.artifact(artifact));
  }
}

let clock: ManualClock;
let bolt: FakeParadime;
let schedule: FakeBoltSchedule;
let app: INestApplication;
let onCall: OnCall;

beforeEach(async () => {
  clock = new ManualClock(new Date('2026-03-01T12:00:00Z'));
  bolt = await fakeParadime({ clock });
  schedule = bolt.schedule({ name: 'nightly-run', slug: 'nightly-run-1a2b3c' });
  const api = { ...bolt.options('read'), callsPerSecond: 1_000 };

  @Module({
    imports: [
      WebhooksModule.forRoot({
        sources: [paradime({ name: 'bolt', secrets: [TEST_SECRETS.paradime], api })],
        inbox: memoryInbox(),
        clock,
      }),
    ],
    providers: [OnCall],
  })
  class AppModule {}

  app = await NestFactory.create(AppModule, { logger: false });
  await app.listen(0, '127.0.0.1');
  onCall = app.get(OnCall);
  bolt.subscribe({ url: `${await app.getUrl()}/webhooks/bolt` });
  await sweepFor(2);
});

afterEach(async () => {
  await app.close();
  await bolt.close();
});

/** Runs all rounds, again every two minutes. */
async function sweepFor(times: number): Promise<void> {
  for (let round = 0; round < times; round++) {
    clock.advance(2 * MINUTE);
    await waitUntilIdle(app);
    await sweep(app, 'bolt');
  }
}

describe('sweeps of Paradime', () => {
  it('find a failed run whose webhooks were lost, for the handlers of its webhooks', async () => {
    bolt.faults.loseWebhooks(2);
    const run = await schedule.run();
    await run.fail({ command: 'dbt run', results: { results: ['a'] } });
    await sweepFor(3);
    expect(onCall.events).toEqual([`run.failed ${run.id} api`, `run.completed ${run.id} api`]);
    expect(onCall.results).toEqual([{ results: ['a'] }]);
  });

  it('find a canceled run, which no webhook reports, also without an end', async () => {
    const run = await schedule.run();
    clock.advance(MINUTE);
    await run.cancel({ withoutEnd: true });
    await sweepFor(3);
    expect(onCall.events).toEqual([`run.canceled ${run.id} api`, `run.completed ${run.id} api`]);
  });

  it('report nothing about a run that webhooks reported, and webhooks nothing after a sweep', async () => {
    const run = await schedule.run();
    await run.fail({ command: 'dbt run' });
    await waitUntilIdle(app);
    await sweepFor(3);
    const heard = [`run.failed ${run.id} webhook`, `run.completed ${run.id} webhook`];
    expect(onCall.events).toEqual(heard);

    bolt.faults.delayWebhooks(30 * MINUTE, 2);
    const late = await schedule.run();
    await late.fail({ command: 'dbt run' });
    await sweepFor(3);
    clock.advance(30 * MINUTE);
    await bolt.sendDue();
    await waitUntilIdle(app);
    expect(onCall.events).toEqual([...heard, `run.failed ${late.id} api`, `run.completed ${late.id} api`]);
  });
});
