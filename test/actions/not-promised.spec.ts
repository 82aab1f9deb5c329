import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  Inbox,
  InjectProviderApi,
  OnRun,
  WebhooksModule,
  type ActionSummary,
  type DeliveryContext,
  type RunEvent,
} from 'nestjs-runhooks';
import { DbtCloudApi, dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { ParadimeApi, paradime } from 'nestjs-runhooks/paradime';
import {
  fakeDbtCloud,
  fakeParadime,
  ManualClock,
  memoryInbox,
  TEST_SECRETS,
  waitUntilIdle,
  type FakeDbtCloud,
  type FakeFaults,
  type FakeParadime,
} from 'nestjs-runhooks/testing';
import { until } from '../dispatch/dispatch-harness.js';
import { CallTimeouts } from './call-timeouts.js';

/** Times of the look-ups after a call without an answer. */
const LOOKS_MS = [10_000, 60_000, 60_000] as const;
const BY = { by: 'kim', reason: 'looked at the provider' };

type Trigger = RunEvent<'run.succeeded'>;

@Injectable()
class StopsHandler {
  constructor(@InjectProviderApi('dbt') private readonly dbt: DbtCloudApi) {}

  @OnRun('run.succeeded', { id: 'stops', job: 'extract' })
  async start({ run }: Trigger, { id, signal }: DeliveryContext): Promise<void> {
    await this.dbt.trigger('700', { key: id, cause: `after run ${run.id}`, signal });
  }
}

@Injectable()
class AgainHandler {
  constructor(@InjectProviderApi('dbt') private readonly dbt: DbtCloudApi) {}

  @OnRun('run.succeeded', { id: 'again', job: 'extract' })
  async start({ run }: Trigger, { id, signal }: DeliveryContext): Promise<void> {
    await this.dbt.trigger('700', { key: id, cause: `after run ${run.id}`, onUnknown: 'again', signal });
  }
}

@Injectable()
class BoltHandler {
  constructor(@InjectProviderApi('bolt') private readonly bolt: ParadimeApi) {}

  @OnRun('run.succeeded', { id: 'bolt', job: 'extract' })
  async start({ run }: Trigger, { id, signal }: DeliveryContext): Promise<void> {
    await this.bolt.trigger('load', { key: id, cause: `after run ${run.id}`, signal });
  }
}

let clock: ManualClock;
let timeouts: CallTimeouts;
let dbt: FakeDbtCloud;
let bolt: FakeParadime;
let app: NestFastifyApplication;

beforeEach(async () => {
  clock = new ManualClock(new Date('2026-11-30T03:00:00.000Z'));
  timeouts = new CallTimeouts();
  dbt = await fakeDbtCloud({ clock });
  bolt = await fakeParadime({ clock });
});

afterEach(async () => {
  await app.close();
  await dbt.close();
  await bolt.close();
  timeouts.restore();
});

async function start(handler: Type): Promise<NestFastifyApplication> {
  const sources = [
    dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], api: dbt.options() }),
    paradime({ name: 'bolt', secrets: [TEST_SECRETS.paradime], api: bolt.options() }),
  ];
  const webhooks = WebhooksModule.forRoot({ sources, inbox: memoryInbox(), clock, dispatch: 'manual' });
  class App {}
  app = await NestFactory.create<NestFastifyApplication>(
    { module: App, imports: [webhooks], providers: [handler] },
    new FastifyAdapter(),
    { logger: false },
  );
  await app.listen(0, '127.0.0.1');
  dbt.subscribe({ url: `${await app.getUrl()}/webhooks/dbt` });
  bolt.subscribe({ url: `${await app.getUrl()}/webhooks/bolt` });
  return app;
}

/** Makes the next request that starts a run arrive later than the client waits for it. */
function delayRequest(faults: FakeFaults): { readonly isOnTheWay: () => boolean; arrive(): void } {
  let isOnTheWay = false;
  let arrive: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => (arrive = resolve));
  const until = (): Promise<void> => {
    isOnTheWay = true;
    return arrived;
  };
  faults.hold(until, { path: /\/run\/$|graphql/, body: /after run/ });
  return { isOnTheWay: () => isOnTheWay, arrive: () => arrive() };
}

/** Lets the call of a handler time out, and all look-ups find nothing. */
async function loseTheAnswer(context: INestApplicationContext, isOnTheWay: () => boolean): Promise<void> {
  const idle = waitUntilIdle(context);
  await until(isOnTheWay);
  timeouts.end();
  await idle;
  for (const ms of LOOKS_MS) {
    clock.advance(ms);
    await waitUntilIdle(context);
  }
}

async function onlyAction(): Promise<ActionSummary> {
  const { items } = await app.get(Inbox).actions();
  expect(items).toHaveLength(1);
  return items[0] as ActionSummary;
}

async function statesOfDeliveries(): Promise<readonly string[]> {
  return (await app.get(Inbox).deliveries()).items.map(({ state }) => state);
}

describe('a request that reaches dbt Cloud after the last look-up', () => {
  const startedRuns = (jobId: string): readonly FakeDbtCloud['runs'][number][] =>
    dbt.runs.filter((run) => run.jobId === jobId);

  it('leaves an unknown action, which the webhook of its run answers', async () => {
    await start(StopsHandler);
    const load = dbt.job({ name: 'load', id: '700' });
    const { isOnTheWay, arrive } = delayRequest(dbt.faults);
    await (await dbt.job({ name: 'extract' }).run()).succeed();

    await loseTheAnswer(app, isOnTheWay);
    expect(startedRuns(load.id)).toHaveLength(0);
    expect(await onlyAction()).toMatchObject({ state: 'unknown', looks: 2 });
    expect(await statesOfDeliveries()).toEqual(['dead']);

    arrive();
    await until(() => startedRuns(load.id).length > 0);
    await startedRuns(load.id)[0]?.start();
    await waitUntilIdle(app);
    const { key, answer, state } = await onlyAction();
    expect({ state, runId: answer?.runId }).toEqual({ state: 'answered', runId: startedRuns(load.id)[0]?.id });

    await app.get(Inbox).redrive({ deliveryIds: [key], ...BY });
    await waitUntilIdle(app);
    expect(await statesOfDeliveries()).toEqual(['succeeded']);
    expect(startedRuns(load.id)).toHaveLength(1);
  });

  it("starts a second run with onUnknown: 'again'", async () => {
    await start(AgainHandler);
    const load = dbt.job({ name: 'load', id: '700' });
    const { isOnTheWay, arrive } = delayRequest(dbt.faults);
    await (await dbt.job({ name: 'extract' }).run()).succeed();

    await loseTheAnswer(app, isOnTheWay);
    expect(startedRuns(load.id)).toHaveLength(1);
    expect(await onlyAction()).toMatchObject({ state: 'answered' });
    expect(await statesOfDeliveries()).toEqual(['succeeded']);

    arrive();
    await until(() => startedRuns(load.id).length > 1);
    expect(startedRuns(load.id)).toHaveLength(2);
  });
});

describe('a request that reaches Paradime after the last look-up', () => {
  it('leaves an unknown action, which an operator must decide: no webhook has the reason of a run', async () => {
    await start(BoltHandler);
    bolt.schedule({ name: 'load' });
    const { isOnTheWay, arrive } = delayRequest(bolt.faults);
    await (await bolt.schedule({ name: 'extract' }).run()).succeed();

    await loseTheAnswer(app, isOnTheWay);
    arrive();
    const startedRuns = (): readonly FakeParadime['runs'][number][] =>
      bolt.runs.filter(({ schedule }) => schedule === 'load');
    await until(() => startedRuns().length > 0);
    await startedRuns()[0]?.start();
    await waitUntilIdle(app);
    const { key, mark, state } = await onlyAction();
    expect(state).toBe('unknown');
    expect(startedRuns()[0]?.reason).toContain(mark);

    const runId = startedRuns()[0]?.id ?? '';
    await app.get(Inbox).decideAction({ source: 'bolt', key, outcome: 'done', runId, ...BY });
    await app.get(Inbox).redrive({ deliveryIds: [key], ...BY });
    await waitUntilIdle(app);
    expect(await onlyAction()).toMatchObject({ state: 'answered', answer: { runId } });
    expect(await statesOfDeliveries()).toEqual(['succeeded']);
    expect(startedRuns()).toHaveLength(1);
  });
});
