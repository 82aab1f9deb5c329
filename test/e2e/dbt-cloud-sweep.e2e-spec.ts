import type { INestApplication } from '@nestjs/common';
import { Injectable, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Inbox, InjectProviderApi, OnRun, OnRunFailed, WebhooksModule, type RunEvent } from 'nestjs-runhooks';
import { type DbtCloudApi, dbtCloud, type DbtCloudSweepOptions } from 'nestjs-runhooks/dbt-cloud';
import {
  fakeDbtCloud,
  type FakeDbtCloud,
  ManualClock,
  memoryInbox,
  sweep,
  TEST_SECRETS,
  waitUntilIdle,
} from 'nestjs-runhooks/testing';

const START = new Date('2026-11-23T12:00:00.000Z');
const MINUTE = 60_000;

@Injectable()
class Handlers {
  readonly events: RunEvent[] = [];
  readonly filtered: string[] = [];

  constructor(@InjectProviderApi('dbt') readonly api: DbtCloudApi) {}

  @OnRun('run.started', 'run.succeeded', 'run.failed', 'run.canceled', 'run.completed', { id: 'all' })
  keep(event: RunEvent): void {
    this.events.push(event);
  }

  @OnRunFailed({
    id: 'filtered',
    project: 'analytics',
    environment: 'Prod*',
    job: 'nightly-*',
    trigger: 'schedule',
    account: '43786',
  })
  page({ run }: RunEvent): void {
    this.filtered.push(run.id);
  }
}

/** Asks the API about each failed run. */
@Injectable()
class Asking {
  readonly found: string[] = [];

  constructor(@InjectProviderApi('dbt') private readonly api: DbtCloudApi) {}

  @OnRunFailed({ id: 'asking' })
  async ask({ run }: RunEvent): Promise<void> {
    const { jobName } = await this.api.run(run.id);
    this.found.push(`${run.id} ${jobName}`);
  }
}

let clock: ManualClock;
let dbt: FakeDbtCloud;
let app: INestApplication;

beforeEach(async () => {
  clock = new ManualClock(START);
  dbt = await fakeDbtCloud({ clock });
});

afterEach(async () => {
  await dbt.close();
  await app.close();
});

async function start(options?: DbtCloudSweepOptions, others: readonly Type[] = []): Promise<Handlers> {
  const source = dbtCloud({
    name: 'dbt',
    secrets: [TEST_SECRETS.dbtCloud],
    api: dbt.options(),
    ...(options && { sweep: options }),
  });
  const testing = await Test.createTestingModule({
    imports: [WebhooksModule.forRoot({ sources: [source], inbox: memoryInbox(), dispatch: 'manual', clock })],
    providers: [Handlers, ...others],
  }).compile();
  app = testing.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  return app.get(Handlers);
}

async function subscribe(): Promise<void> {
  dbt.subscribe({ url: `${await app.getUrl()}/webhooks/dbt` });
}

function typesOf({ events }: Handlers): readonly string[] {
  return events.map(({ type, run, origin }) => `${type} ${run.id} ${origin}`);
}

async function later(ms: number): Promise<void> {
  clock.advance(ms);
  await dbt.sendDue();
  await sweep(app);
}

describe('sweeps of dbt Cloud', () => {
  it('give the same handlers the same run as its webhooks', async () => {
    const handlers = await start();
    await subscribe();
    const job = dbt.job({ name: 'nightly-build', schedule: '0 3 * * *' });
    const told = await job.run({ cause: 'Kicked off by the scheduler', gitBranch: 'main', pullRequestId: 12 });
    clock.advance(MINUTE);
    await told.fail({ message: 'dbt command failed' });
    await waitUntilIdle(app);
    dbt.faults.loseWebhooks(3);
    const lost = await job.run({ cause: 'Kicked off by the scheduler', gitBranch: 'main', pullRequestId: 12 });
    clock.advance(MINUTE);
    await lost.fail({ message: 'dbt command failed' });
    await later(11 * MINUTE);
    expect(typesOf(handlers)).toEqual([
      `run.started ${told.id} webhook`,
      `run.failed ${told.id} webhook`,
      `run.completed ${told.id} webhook`,
      `run.failed ${lost.id} api`,
      `run.completed ${lost.id} api`,
    ]);
    expect(handlers.filtered).toEqual([told.id, lost.id]);
    const [, heard, , found] = handlers.events;
    if (!heard || !found) throw new Error('an event is missing');
    const { job: job1, project, environment, account, status, providerStatus, trigger } = heard.run;
    expect(found.run).toMatchObject({ job: job1, project, environment, account, status, providerStatus, trigger });
    expect(found.run).toMatchObject({
      commit: { branch: 'main', pullRequest: '12' },
      trigger: { category: 'scheduled' },
    });
    expect(Object.keys(found.payload)).toEqual(expect.arrayContaining(['accountId', 'eventType', 'data']));
    expect(found).toHaveProperty('apiRun.id', Number(lost.id));
  });

  it('find canceled runs, of which one was queued and one has no end, and report each event once', async () => {
    const handlers = await start();
    await subscribe();
    const job = dbt.job({ name: 'nightly-build' });
    const queued = job.queue();
    const running = await job.run();
    const withoutEnd = await job.run();
    dbt.faults.lagLists();
    dbt.faults.changeFields();
    await queued.cancel();
    await running.cancel();
    await withoutEnd.cancel({ withoutEnd: true });
    for (let minutes = 0; minutes < 40; minutes++) await later(MINUTE);
    const of = (id: string) => typesOf(handlers).filter((line) => line.includes(` ${id} `));
    expect(of(queued.id)).toEqual([`run.canceled ${queued.id} api`, `run.completed ${queued.id} api`]);
    for (const { id } of [running, withoutEnd]) {
      expect(of(id)).toEqual([`run.started ${id} webhook`, `run.canceled ${id} api`, `run.completed ${id} api`]);
    }
  });

  it('report no run that webhooks reported, and none that is queued', async () => {
    const handlers = await start();
    await subscribe();
    const job = dbt.job({ name: 'nightly-build' });
    job.queue();
    for (let count = 0; count < 3; count++) {
      const run = await job.run();
      clock.advance(MINUTE);
      await run.succeed();
      await later(MINUTE);
    }
    await later(30 * MINUTE);
    expect(handlers.events).toHaveLength(9);
    expect(handlers.events.every(({ origin }) => origin === 'webhook')).toBe(true);
  });

  it.each<[string, DbtCloudSweepOptions | undefined]>([
    ['without a subscription', undefined],
    ['that sweep.jobs does not match', { jobs: ['nightly-*'] }],
  ])('leave out jobs %s', async (_, options) => {
    const handlers = await start(options);
    const [nightly, hourly] = [dbt.job({ name: 'nightly-build' }), dbt.job({ name: 'hourly' })];
    dbt.subscribe({ url: `${await app.getUrl()}/webhooks/dbt`, jobs: options ? [nightly, hourly] : [nightly] });
    dbt.faults.loseWebhooks(10);
    for (const job of [nightly, hourly]) await (await job.run()).succeed();
    await later(11 * MINUTE);
    expect(new Set(handlers.events.map(({ run }) => run.job.name))).toEqual(new Set(['nightly-build']));
  });

  it('deliver nothing of what ended before the source was registered', async () => {
    const run = await dbt.job({ name: 'nightly-build' }).run();
    await run.fail();
    clock.advance(60 * MINUTE);
    const handlers = await start();
    await later(15 * MINUTE);
    expect(handlers.events).toEqual([]);
  });

  it('resume after errors, HTML and a cooldown', async () => {
    const handlers = await start();
    const run = await dbt.job({ name: 'nightly-build' }).run();
    await run.fail();
    dbt.faults.rateLimit();
    await later(3 * MINUTE).catch(() => undefined);
    const before = dbt.calls.length;
    await later(MINUTE).catch(() => undefined);
    expect(dbt.calls).toHaveLength(before);
    await later(5 * MINUTE).catch(() => undefined);
    dbt.faults.html({ times: 3 });
    await later(MINUTE).catch(() => undefined);
    await later(15 * MINUTE);
    await later(15 * MINUTE);
    expect(typesOf(handlers)).toEqual([`run.failed ${run.id} api`, `run.completed ${run.id} api`]);
  });

  it('inject a client whose handler is retried when the cooldown ends', async () => {
    await start({}, [Asking]);
    await subscribe();
    const { found } = app.get(Asking);
    const run = await dbt.job({ name: 'nightly-build' }).run();
    dbt.faults.rateLimit();
    await run.fail();
    await waitUntilIdle(app);
    const { items } = await app.get(Inbox).deliveries({ state: 'pending' });
    expect(items).toMatchObject([{ handlerId: 'asking', dueAt: new Date(START.getTime() + 5 * MINUTE) }]);
    clock.advance(5 * MINUTE);
    await waitUntilIdle(app);
    expect(found).toEqual([`${run.id} nightly-build`]);
  });

  it('inject a client that reads what the fake has', async () => {
    const handlers = await start();
    const job = dbt.job({ name: 'nightly-build' });
    const run = await job.run();
    await run.fail({ step: 'dbt build', logs: 'Database Error', results: { results: [] } });
    clock.advance(10 * MINUTE);
    const { api } = handlers;
    await expect(api.run(run.id)).resolves.toMatchObject({ id: run.id, status: 20, jobName: 'nightly-build' });
    await expect(api.job(job.id)).resolves.toMatchObject({ name: 'nightly-build' });
    await expect(api.projects()).resolves.toMatchObject([{ name: 'analytics' }]);
    const [log] = await api.failedStepLogs(run.id);
    expect(log).toMatchObject({ logs: expect.stringContaining('Database Error') });
    const step = log?.step ?? 0;
    expect(await api.artifacts(run.id, { step })).toContain('run_results.json');
    await expect(api.artifact(run.id, 'run_results.json', { step })).resolves.toMatchObject({ results: [] });
    await expect(api.subscriptions()).resolves.toEqual([]);
    await expect(api.run('1')).rejects.toMatchObject({ reason: 'not-found' });
  });
});
