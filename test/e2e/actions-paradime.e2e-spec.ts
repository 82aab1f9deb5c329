import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type INestApplication, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type DeliveryContext,
  Inbox,
  InjectProviderApi,
  isActionRefusedError,
  type NodeRecovered,
  OnNodeRecovered,
  OnRun,
  OnRunFailed,
  OnRunStuck,
  OnRunSucceeded,
  type RunEvent,
  type RunFailed,
  type RunStuck,
  type RunSucceeded,
  WebhooksModule,
} from 'nestjs-runhooks';
import { ParadimeApi, paradime } from 'nestjs-runhooks/paradime';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import {
  type DbtFileRow,
  fakeParadime,
  type FakeBoltRun,
  type FakeBoltSchedule,
  type FakeParadime,
  ManualClock,
  runResultsFile,
  TEST_SECRETS,
  waitUntilIdle,
} from 'nestjs-runhooks/testing';

const START = new Date('2026-11-30T03:00:00.000Z');
const MINUTE = 60_000;
const ORDERS = 'model.shop.orders';
const FAILED: DbtFileRow = { id: ORDERS, status: 'error', message: 'Statement timed out' };

@Injectable()
class OnCall {
  readonly lines: string[] = [];

  constructor(@InjectProviderApi('bolt') readonly bolt: ParadimeApi) {}

  @OnRunFailed({ id: 'on-call.retry', job: 'nightly' })
  async retry({ run }: RunFailed, { id }: DeliveryContext): Promise<void> {
    await this.bolt.retry(run, { key: id });
  }

  @OnRunSucceeded({ id: 'on-call.next', job: 'ingest', retry: { delayMs: MINUTE } })
  async next({ run }: RunSucceeded, { id }: DeliveryContext): Promise<void> {
    await this.bolt.trigger('nightly', { key: id, cause: `After run ${run.id}` });
  }

  @OnRunStuck({ id: 'on-call.cancel', job: 'nightly', afterMs: 60 * MINUTE })
  async cancel({ run }: RunStuck, { id }: DeliveryContext): Promise<void> {
    await this.bolt.cancel(run, { key: id });
  }

  @OnRun('run.failed', 'run.succeeded', 'run.recovered', { id: 'on-call.journal', job: 'nightly' })
  note({ type, run: { id, retryOf, rootRun } }: RunEvent): void {
    this.lines.push([type, id, ...(retryOf === undefined ? [] : [`retry of ${retryOf}, root ${rootRun}`])].join(' '));
  }

  @OnNodeRecovered({ id: 'on-call.recovered' })
  recovered({ type, node, run }: NodeRecovered): void {
    this.lines.push(`${type} ${run.id} ${node.name}`);
  }
}

let folder: string;
let clock: ManualClock;
let bolt: FakeParadime;
let nightly: FakeBoltSchedule;
let ingest: FakeBoltSchedule;
let app: INestApplication;
let inbox: Inbox;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'runhooks-actions-'));
  clock = new ManualClock(START);
  bolt = await fakeParadime({ clock });
  nightly = bolt.schedule({ name: 'Nightly', slug: 'nightly', commands: ['dbt build'] });
  ingest = bolt.schedule({ name: 'Ingest', slug: 'ingest' });
  const api = { ...bolt.options('act'), callsPerSecond: 1_000 };
  const source = paradime({ name: 'bolt', secrets: [TEST_SECRETS.paradime], api });
  const file = sqliteInbox({ path: join(folder, 'runhooks.db') });
  const module = await Test.createTestingModule({
    imports: [WebhooksModule.forRoot({ sources: [source], inbox: file, dispatch: 'manual', clock })],
    providers: [OnCall],
  }).compile();
  app = module.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  inbox = app.get(Inbox);
  bolt.subscribe({ url: `${await app.getUrl()}/webhooks/bolt` });
});

afterEach(async () => {
  await bolt.close();
  await app.close();
  rmSync(folder, { recursive: true });
});

/** Lets a run end after a minute, with this row as its result, and all handlers run. */
async function ends(run: FakeBoltRun, row: DbtFileRow = { id: ORDERS }): Promise<FakeBoltRun> {
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

/** Returns the latest run, which was started through the API. */
function asked(): FakeBoltRun {
  const run = bolt.runs.at(-1);
  if (run?.state !== 'STARTING') throw new Error('No run was asked for');
  return run;
}

function acts(): string[] {
  const names = ['triggerBoltRun', 'retryBoltRun', 'cancelBoltRun'];
  return bolt.calls.flatMap(({ operations = [] }) => operations.filter((name) => names.includes(name)));
}

describe('actions at Paradime', () => {
  it('retry a failed run, whose success ends the incidents of its schedule and of its nodes', async () => {
    const first = await ends(await nightly.run(), FAILED);
    const retry = await ends(await asked().start());
    const after = `retry of ${first.id}, root ${first.id}`;
    expect(app.get(OnCall).lines.toSorted()).toEqual(
      [
        `run.failed ${first.id}`,
        `run.succeeded ${retry.id} ${after}`,
        `run.recovered ${retry.id} ${after}`,
        `node.recovered ${retry.id} orders`,
      ].toSorted(),
    );
    expect(acts()).toEqual(['retryBoltRun']);
    expect(await inbox.actions()).toMatchObject({
      items: [{ kind: 'retry', target: first.id, state: 'answered', answer: { runId: retry.id } }],
    });
  });

  it('find a retry by its parent if the answer is lost', async () => {
    bolt.faults.cut({ body: /retryBoltRun/ });
    const first = await ends(await nightly.run(), FAILED);
    await pass(10_000);
    expect(await inbox.actions()).toMatchObject({
      items: [{ target: first.id, state: 'answered', answer: { runId: asked().id } }],
    });
    expect(acts()).toEqual(['retryBoltRun']);
  });

  it('refuse a second retry of one root run', async () => {
    await ends(await nightly.run(), FAILED);
    await ends(await asked().start(), FAILED);
    expect(acts()).toEqual(['retryBoltRun']);
    const { items } = await inbox.deliveries({ handlerId: 'on-call.retry', state: 'dead' });
    expect(items).toHaveLength(1);
  });

  it('start a schedule as soon as it is no longer busy, once', async () => {
    const running = await nightly.run();
    await ends(await ingest.run());
    expect(bolt.runs).toHaveLength(2);
    expect((await inbox.counts()).actions).toMatchObject({ intended: 1 });
    await ends(running);
    for (let minutes = 0; minutes < 5; minutes++) await pass(MINUTE);
    expect(bolt.runs).toHaveLength(3);
    expect(asked()).toMatchObject({
      schedule: 'nightly',
      reason: expect.stringMatching(/^runhooks:[0-9a-f]{16} After run/),
    });
    expect(await inbox.actions()).toMatchObject({ items: [{ kind: 'trigger', state: 'answered' }] });
  });

  it('find a run by its time and actor if the answer to a trigger is lost', async () => {
    bolt.faults.cut({ body: /triggerBoltRun/ });
    await ends(await ingest.run());
    await pass(10_000);
    expect(await inbox.actions()).toMatchObject({ items: [{ state: 'answered', answer: { runId: asked().id } }] });
    expect(acts()).toEqual(['triggerBoltRun']);
  });

  it('find a run each if the answers to two triggers of one schedule are lost', async () => {
    const started: FakeBoltRun[] = [];
    bolt.faults.cut({ body: /triggerBoltRun/, times: 2 });
    for (let count = 0; count < 2; count++) {
      await ends(await ingest.run());
      started.push(await (await asked().start()).succeed());
      clock.advance(2_000);
    }
    await pass(10_000);
    const { items } = await inbox.actions();
    expect(items.map(({ state, answer }) => [state, answer?.runId])).toEqual(
      started.toReversed().map(({ id }) => ['answered', id]),
    );
    expect(acts()).toEqual(['triggerBoltRun', 'triggerBoltRun']);
  });

  it('find no second run if one of two triggers of one schedule was never received', async () => {
    bolt.faults.respond(503, { body: /triggerBoltRun/ });
    await ends(await ingest.run());
    bolt.faults.cut({ body: /triggerBoltRun/ });
    await ends(await ingest.run());
    for (let minutes = 0; minutes < 5; minutes++) await pass(MINUTE);
    const { items } = await inbox.actions();
    expect(items.map(({ state }) => state).toSorted()).toEqual(['answered', 'unknown']);
    expect(bolt.runs).toHaveLength(3);
  });

  it('cancel a stuck run', async () => {
    const stuck = await nightly.run();
    await waitUntilIdle(app);
    await pass(60 * MINUTE);
    expect(stuck.state).toBe('CANCELED');
    expect(await inbox.actions()).toMatchObject({
      items: [{ kind: 'cancel', target: stuck.id, state: 'answered', answer: { runId: stuck.id } }],
    });
  });

  it('reject with a reason that code can switch on', async () => {
    const run = await ends(await ingest.run());
    const { bolt: api } = app.get(OnCall);
    const refused = api.retry({ id: run.id, job: { id: 'ingest' } }, { key: 'by-hand' });
    await expect(refused).rejects.toMatchObject({ code: 'RUNHOOKS_ACTION_REFUSED', reason: 'not-failed' });
    expect(isActionRefusedError(await refused.catch((error: unknown) => error))).toBe(true);
  });
});
