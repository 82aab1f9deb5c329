import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type INestApplication, Injectable, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type DeliveryContext,
  Inbox,
  InjectProviderApi,
  isActionRefusedError,
  type NodeFailed,
  type NodeRecovered,
  OnAllRuns,
  OnNodeFailed,
  OnNodeRecovered,
  OnRun,
  OnRunCompleted,
  type Role,
  type RunCompleted,
  type RunEvent,
  type RunsJoined,
  WebhooksModule,
} from 'nestjs-runhooks';
import { DbtCloudApi, dbtCloud, type DbtCloudApiOptions } from 'nestjs-runhooks/dbt-cloud';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import {
  type DbtFileRow,
  fakeDbtCloud,
  type FakeDbtCloud,
  type FakeDbtJob,
  type FakeDbtRun,
  ManualClock,
  runResultsFile,
  TEST_SECRETS,
  waitUntilIdle,
} from 'nestjs-runhooks/testing';

const START = new Date('2026-11-30T03:00:00.000Z');
const MINUTE = 60_000;
const ORDERS = 'model.shop.orders';
const FAILED: DbtFileRow = { id: ORDERS, status: 'error', message: 'Statement timed out' };

/** Keeps what the handlers of an app receive, as short lines. */
@Injectable()
class Journal {
  readonly lines: string[] = [];

  @OnRun('run.started', 'run.failed', 'run.succeeded', 'run.recovered', { id: 'journal.runs' })
  run({ type, run: { id, retryOf, rootRun } }: RunEvent): void {
    this.lines.push([type, id, ...(retryOf === undefined ? [] : [`retry of ${retryOf}, root ${rootRun}`])].join(' '));
  }

  @OnNodeFailed({ id: 'journal.nodes' })
  @OnNodeRecovered()
  node({ type, node, run }: NodeFailed | NodeRecovered): void {
    this.lines.push(`${type} ${run.id} ${node.name}`);
  }
}

@Injectable()
class Retries {
  constructor(@InjectProviderApi('dbt') readonly dbt: DbtCloudApi) {}

  @OnRunCompleted({ id: 'retries', when: ({ run }) => run.status === 'failed' })
  async retry({ run }: RunCompleted, { id }: DeliveryContext): Promise<void> {
    await this.dbt.retry(run, { key: id });
  }
}

let folder: string;
let clock: ManualClock;
let dbt: FakeDbtCloud;
let job: FakeDbtJob;
let app: INestApplication;
let inbox: Inbox;
const apps: INestApplication[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'runhooks-actions-'));
  clock = new ManualClock(START);
  dbt = await fakeDbtCloud({ clock });
  job = dbt.job({ name: 'nightly' });
});

afterEach(async () => {
  await dbt.close();
  await Promise.all(apps.splice(0).map((one) => one.close()));
  rmSync(folder, { recursive: true });
});

/** Starts a process of the app. All of a test share one file. */
async function open(
  providers: Type[],
  role: Role = 'both',
  api: DbtCloudApiOptions = dbt.options(),
): Promise<INestApplication> {
  const source = dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], api });
  const file = sqliteInbox({ path: join(folder, 'runhooks.db') });
  const module = await Test.createTestingModule({
    imports: [WebhooksModule.forRoot({ sources: [source], inbox: file, dispatch: 'manual', clock, role })],
    providers,
  }).compile();
  const opened = module.createNestApplication({ logger: false });
  apps.push(opened);
  await opened.listen(0, '127.0.0.1');
  return opened;
}

async function start(...providers: Type[]): Promise<void> {
  await use(await open(providers));
}

/** Uses a process of the app, to which the fake sends its webhooks. */
async function use(opened: INestApplication): Promise<void> {
  app = opened;
  inbox = app.get(Inbox);
  dbt.subscribe({ url: `${await app.getUrl()}/webhooks/dbt` });
}

/** Lets a run end after a minute, with this row as the result of its only step, and all handlers run. */
async function ends(run: FakeDbtRun, row: DbtFileRow = { id: ORDERS }): Promise<FakeDbtRun> {
  clock.advance(MINUTE);
  const results = runResultsFile([row], { generatedAt: clock.now() });
  await (row.status === undefined ? run.succeed({ results }) : run.fail({ results }));
  await waitUntilIdle(app);
  return run;
}

async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  await waitUntilIdle(app);
}

/** Returns the latest run, which was started through the API and is queued. */
function queued(): FakeDbtRun {
  const run = dbt.runs.at(-1);
  if (run?.status !== 1) throw new Error('No run was asked for');
  return run;
}

function posts(): number {
  return dbt.calls.filter(({ method }) => method === 'POST').length;
}

function runKey({ id: runId }: FakeDbtRun) {
  return { source: 'dbt', accountId: dbt.options().accountId, runId };
}

/** Returns the dead letters of the handler, as the error of their only attempt. */
async function deadLetters(handlerId = 'retries'): Promise<{ readonly name: string; readonly message: string }[]> {
  const { items } = await inbox.deliveries({ handlerId, state: 'dead' });
  return await Promise.all(
    items.map(async ({ id }) => {
      const attempts = await inbox.attempts(id);
      expect(attempts).toHaveLength(1);
      return { name: attempts[0]?.error?.name ?? '', message: attempts[0]?.error?.message ?? '' };
    }),
  );
}

describe('a retry at dbt Cloud', () => {
  it('that succeeds ends the incident of its job and of its nodes, and its events have the run and the root run', async () => {
    await start(Journal, Retries);
    const first = await ends(await job.run(), FAILED);
    const retry = await queued().start();
    await ends(retry);
    const after = `retry of ${first.id}, root ${first.id}`;
    expect(app.get(Journal).lines.toSorted()).toEqual(
      [
        `run.started ${first.id}`,
        `run.failed ${first.id}`,
        `node.failed ${first.id} orders`,
        `run.started ${retry.id} ${after}`,
        `run.succeeded ${retry.id} ${after}`,
        `run.recovered ${retry.id} ${after}`,
        `node.recovered ${retry.id} orders`,
      ].toSorted(),
    );
    expect(await inbox.run(runKey(retry))).toMatchObject({ retryOf: first.id, rootRun: first.id });
    expect(posts()).toBe(1);
  });

  it('is listed with what was asked for, by which handler and what came of it, counted, and part of both runs', async () => {
    await start(Retries);
    const first = await ends(await job.run(), FAILED);
    const { items } = await inbox.actions({ source: 'dbt' });
    const [delivery] = (await inbox.deliveries({ handlerId: 'retries', state: 'succeeded' })).items;
    expect(items).toMatchObject([
      {
        source: 'dbt',
        key: delivery?.id,
        kind: 'retry',
        target: first.id,
        state: 'answered',
        handlerId: 'retries',
        eventId: `run.completed:dbt/${dbt.options().accountId}/${first.id}`,
        answer: { runId: queued().id },
        createdAt: clock.now(),
      },
    ]);
    expect((await inbox.counts()).actions).toEqual({ intended: 0, sent: 0, answered: 1, refused: 0, unknown: 0 });
    for (const run of [first, queued()]) {
      expect((await inbox.actions({ run: runKey(run) })).items).toEqual(items);
    }
    expect((await inbox.run(runKey(first)))?.actions).toEqual(items);
    expect((await inbox.actions({ state: 'unknown' })).items).toEqual([]);
  });

  it('is started once, whatever becomes of the attempts after it', async () => {
    @Injectable()
    class Hasty extends Retries {
      @OnRunCompleted({ id: 'retries', when: ({ run }) => run.status === 'failed', retry: { delayMs: MINUTE } })
      override async retry({ run }: RunCompleted, { id, attempt }: DeliveryContext): Promise<void> {
        const { runId } = await this.dbt.retry(run, { key: id });
        if (attempt === 1) throw new Error(`the ticket about run ${runId} could not be written`);
      }
    }
    await start(Hasty);
    await ends(await job.run(), FAILED);
    await pass(MINUTE);
    expect(await inbox.deliveries({ handlerId: 'retries' })).toMatchObject({
      items: [{ state: 'succeeded', attempts: 2 }],
    });
    expect(posts()).toBe(1);
  });

  it('is found if its answer is lost, while the attempts of the delivery are not counted', async () => {
    await start(Retries);
    dbt.faults.cut({ path: /retry/ });
    await ends(await job.run(), FAILED);
    const { items } = await inbox.deliveries({ handlerId: 'retries' });
    expect(items).toMatchObject([{ state: 'pending', attempts: 0, waitingFor: expect.stringContaining('retry') }]);
    await pass(10_000);
    expect(await inbox.actions()).toMatchObject({ items: [{ state: 'answered', answer: { runId: queued().id } }] });
    expect(await inbox.deliveries({ handlerId: 'retries' })).toMatchObject({ items: [{ state: 'succeeded' }] });
    expect(posts()).toBe(1);
  });

  it('is found with the token that acts, if the source has no other', async () => {
    const { readToken: _readToken, webhooksToken: _webhooksToken, ...api } = dbt.options();
    await use(await open([Retries], 'both', api));
    dbt.faults.cut({ path: /retry/ });
    await ends(await job.run(), FAILED);
    await pass(10_000);
    expect(await inbox.actions()).toMatchObject({ items: [{ state: 'answered', answer: { runId: queued().id } }] });
    expect(posts()).toBe(1);
  });

  it('whose run starts before its answer comes has the fields in the events after the answer', async () => {
    await start(Journal, Retries);
    dbt.faults.hold(() => void queued().start(), { path: /retry/, carriedOut: true });
    const first = await ends(await job.run(), FAILED);
    const retry = await ends(dbt.runs.at(-1) as FakeDbtRun);
    expect(app.get(Journal).lines).toContain(`run.recovered ${retry.id} retry of ${first.id}, root ${first.id}`);
    expect(app.get(Journal).lines.filter((line) => line.startsWith('run.started'))).toHaveLength(2);
    expect(posts()).toBe(1);
  });

  it('waits for the end of a cooldown', async () => {
    await start(Retries);
    const run = await job.run();
    dbt.faults.rateLimit();
    await ends(run, FAILED);
    expect((await inbox.counts()).actions).toMatchObject({ intended: 1, sent: 0 });
    await pass(5 * MINUTE);
    expect((await inbox.counts()).actions).toMatchObject({ answered: 1 });
    expect(dbt.runs).toHaveLength(2);
  });

  it('is made again after an answer that says that nothing was done', async () => {
    await start(Retries);
    dbt.faults.respond(401, { path: /retry/ });
    await ends(await job.run(), FAILED);
    expect((await inbox.counts()).actions).toMatchObject({ intended: 1 });
    await pass(MINUTE);
    expect((await inbox.counts()).actions).toMatchObject({ answered: 1, intended: 0 });
    expect(posts()).toBe(2);
    expect(dbt.runs).toHaveLength(2);
  });

  it('without a token for it is refused before anything is sent, with the name of the option', async () => {
    const { actToken: _actToken, ...api } = dbt.options();
    await use(await open([Retries], 'both', api));
    await ends(await job.run(), FAILED);
    const [delivery] = (await inbox.deliveries({ handlerId: 'retries' })).items;
    expect(delivery).toMatchObject({ state: 'pending', attempts: 1 });
    const [attempt] = await inbox.attempts(delivery?.id ?? '');
    expect(attempt?.error).toMatchObject({ name: 'ProviderApiError', message: expect.stringContaining('actToken') });
    expect(posts()).toBe(0);
  });

  it('is not started beyond retriesMax of the root run, also after a restart', async () => {
    @Injectable()
    class Twice extends Retries {
      @OnRunCompleted({ id: 'retries', when: ({ run }) => run.status === 'failed' })
      override async retry({ run }: RunCompleted, { id }: DeliveryContext): Promise<void> {
        await this.dbt.retry(run, { key: id, retriesMax: 2 });
      }
    }
    await start(Twice);
    const root = await ends(await job.run(), FAILED);
    const second = await queued().start();
    await app.close();
    await start(Twice);
    await ends(second, FAILED);
    const third = await ends(await queued().start(), FAILED);
    expect(dbt.runs).toHaveLength(3);
    expect(await inbox.run(runKey(third))).toMatchObject({ retryOf: second.id, rootRun: root.id });
    expect(await deadLetters()).toEqual([
      { name: 'ActionRefusedError', message: expect.stringContaining(`run ${root.id}`) },
    ]);
    expect((await inbox.counts()).actions).toMatchObject({ answered: 2, refused: 0 });
  });

  it('that dbt Cloud refuses makes a dead letter with a readable error, at the first attempt', async () => {
    const reasons: string[] = [];
    @Injectable()
    class Reasons extends Retries {
      @OnRunCompleted({ id: 'retries', when: ({ run }) => run.status === 'failed' })
      override async retry({ run }: RunCompleted, { id }: DeliveryContext): Promise<void> {
        await this.dbt.retry(run, { key: id }).catch((error: unknown) => {
          if (isActionRefusedError(error)) reasons.push(error.reason);
          throw error;
        });
      }
    }
    await start(Reasons);
    const earlier = await job.run();
    const later = await job.run();
    await ends(earlier, FAILED);
    clock.advance(MINUTE);
    await later.fail({ step: 'dbt deps' });
    await waitUntilIdle(app);
    await ends(await job.run({ retryUnsupported: 'version' }), FAILED);
    expect(reasons).toEqual(['not-latest', 'no-results', 'unsupported']);
    const found = await deadLetters();
    expect(found.map(({ name }) => name)).toEqual(Array<string>(3).fill('ActionRefusedError'));
    for (const { message } of found) {
      expect(message).toMatch(/retry/);
      expect(message).not.toMatch(/https?:|token/);
    }
    expect((await inbox.counts()).actions).toMatchObject({ refused: 3 });
    const { items } = await inbox.actions({ state: 'refused' });
    expect(items.map(({ refusal }) => refusal?.reason)).toEqual(['unsupported', 'no-results', 'not-latest']);
  });
});

describe('an action that stays unknown', () => {
  beforeEach(async () => {
    await start(Retries);
    dbt.faults.respond(503, { path: /retry/ });
  });

  async function unknown(): Promise<{ readonly run: FakeDbtRun; readonly key: string }> {
    const run = await ends(await job.run(), FAILED);
    for (const ms of [10_000, MINUTE, MINUTE]) await pass(ms);
    const { items } = await inbox.actions({ state: 'unknown' });
    expect(items).toMatchObject([{ kind: 'retry', target: run.id, handlerId: 'retries' }]);
    expect(await deadLetters()).toMatchObject([
      { name: 'ActionUnknownError', message: expect.stringContaining(run.id) },
    ]);
    expect((await inbox.counts()).actions).toMatchObject({ unknown: 1 });
    return { run, key: items[0]?.key ?? '' };
  }

  it('is carried out after an operator has decided that it was not, and has redriven the delivery', async () => {
    const { key } = await unknown();
    const decision = { source: 'dbt', key, by: 'Kim', reason: 'no such run is listed' };
    expect(await inbox.decideAction({ ...decision, outcome: 'not-done' })).toBe(true);
    expect(posts()).toBe(1);
    await inbox.redrive({ deliveryIds: [key], by: 'Kim' });
    await waitUntilIdle(app);
    expect(posts()).toBe(2);
    expect(await inbox.actions()).toMatchObject({ items: [{ state: 'answered', answer: { runId: queued().id } }] });
    expect((await inbox.audit()).items).toMatchObject([
      { action: 'redrive' },
      { action: 'decide', by: 'Kim', reason: 'no such run is listed' },
    ]);
    expect(await inbox.decideAction({ ...decision, outcome: 'not-done' })).toBe(false);
  });

  it('lets retries of later runs of its job wait until an operator has decided', async () => {
    const { key } = await unknown();
    const later = await ends(await job.run(), FAILED);
    const [delivery] = (await inbox.deliveries({ handlerId: 'retries', state: 'pending' })).items;
    expect(delivery).toMatchObject({ attempts: 0, waitingFor: expect.stringContaining(key) });
    await inbox.decideAction({ source: 'dbt', key, outcome: 'not-done', by: 'Kim', reason: 'no such run is listed' });
    await pass(MINUTE);
    expect(posts()).toBe(2);
    expect((await inbox.run(runKey(queued())))?.retryOf).toBe(later.id);
  });

  it('is answered by the run that an operator names', async () => {
    const { run, key } = await unknown();
    const found = await job.run();
    const reason = 'someone retried it by hand';
    await inbox.decideAction({ source: 'dbt', key, outcome: 'done', runId: found.id, by: 'Kim', reason });
    await inbox.redrive({ deliveryIds: [key], by: 'Kim' });
    await waitUntilIdle(app);
    expect(posts()).toBe(1);
    expect(await inbox.deliveries({ handlerId: 'retries' })).toMatchObject({ items: [{ state: 'succeeded' }] });
    expect((await inbox.run(runKey(run)))?.actions).toMatchObject([{ state: 'answered', answer: { runId: found.id } }]);
  });
});

describe('a trigger at dbt Cloud', () => {
  @Injectable()
  class Downstream {
    constructor(@InjectProviderApi('dbt') readonly dbt: DbtCloudApi) {}

    @OnAllRuns({ id: 'downstream', jobs: ['nightly', 'hourly'], withinMs: 60 * MINUTE })
    async start({ runs }: RunsJoined, { id }: DeliveryContext): Promise<void> {
      const cause = `After ${runs.map(({ job: name }) => name).join(' and ')}`;
      await this.dbt.trigger(downstream.id, { key: id, cause, branch: 'main' });
    }
  }
  let downstream: FakeDbtJob;

  beforeEach(async () => {
    downstream = dbt.job({ name: 'downstream' });
    await start(Journal, Downstream);
  });

  async function bothEnd(): Promise<void> {
    await ends(await job.run());
    await ends(await dbt.job({ name: 'hourly' }).run());
  }

  it('starts one run of the job, whose cause begins with the mark of the action', async () => {
    await bothEnd();
    expect(queued()).toMatchObject({ jobId: downstream.id });
    expect(queued().cause).toMatch(/^runhooks:[0-9a-f]{16} After nightly and hourly$/);
    expect(await inbox.actions()).toMatchObject({
      items: [{ kind: 'trigger', target: downstream.id, state: 'answered', handlerId: 'downstream' }],
    });
  });

  it('is answered by the webhook of its run, before any look-up, if the answer is lost', async () => {
    dbt.faults.cut({ path: /\/run\/$/ });
    await bothEnd();
    expect((await inbox.counts()).actions).toMatchObject({ sent: 1 });
    const run = await queued().start();
    await waitUntilIdle(app);
    expect(await inbox.actions()).toMatchObject({ items: [{ state: 'answered', answer: { runId: run.id } }] });
    const calls = dbt.calls.length;
    await pass(10_000);
    expect(dbt.calls).toHaveLength(calls);
    expect(await inbox.deliveries({ handlerId: 'downstream' })).toMatchObject({ items: [{ state: 'succeeded' }] });
    // A run that was triggered is no retry.
    expect(app.get(Journal).lines).toContain(`run.started ${run.id}`);
  });
});

describe('the role receiver', () => {
  it('can act outside of a handler, and shares its actions with a worker', async () => {
    const receiver = await open([Retries], 'receiver');
    app = await open([], 'worker');
    const trigger = (one: INestApplication) => {
      return one.get(Retries).dbt.trigger(job.id, { key: 'ticket-12', cause: 'Ticket 12' });
    };
    const { runId } = await trigger(receiver);
    expect(runId).toBe(queued().id);
    expect((await trigger(receiver)).runId).toBe(runId);
    expect(await app.get(Inbox).actions()).toMatchObject({ items: [{ key: 'ticket-12', state: 'answered' }] });
    expect((await app.get(Inbox).actions()).items[0]).not.toHaveProperty('handlerId');
    expect(posts()).toBe(1);
  });
});
