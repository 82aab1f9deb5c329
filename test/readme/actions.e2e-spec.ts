import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Inbox, WebhooksModule } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import {
  fakeDbtCloud,
  fakeParadime,
  ManualClock,
  memoryInbox,
  runResultsFile,
  sweep,
  TEST_SECRETS,
  waitUntilIdle,
  type DbtFileRow,
  type FakeDbtCloud,
  type FakeDbtJob,
  type FakeDbtRun,
  type FakeParadime,
} from 'nestjs-runhooks/testing';
import { writeCodeBlocks } from './code-blocks.js';
import { LogLines } from './log-lines.js';
import { OtherSystem } from './other-system.js';

const { directory } = writeCodeBlocks();
const environment = { ...process.env };

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** A Monday, at three o'clock in the morning in Berlin. */
const START = new Date('2026-11-30T02:00:00.000Z');
const ORDERS = 'model.shop.orders';
const TIMEOUT: DbtFileRow = { id: ORDERS, status: 'error', message: 'Statement timed out' };
const WRONG: DbtFileRow = { id: ORDERS, status: 'error', message: 'column "ordr_id" does not exist' };

let clock: ManualClock;
let dbt: FakeDbtCloud;
let bolt: FakeParadime;
let job: FakeDbtJob;
let app: INestApplication;
let other: OtherSystem;
const log = new LogLines();

beforeEach(async () => {
  clock = new ManualClock(START);
  dbt = await fakeDbtCloud({ clock });
  bolt = await fakeParadime({ clock });
  job = dbt.job({ name: 'nightly-build' });
  other = await OtherSystem.start();
  process.env['PAGERDUTY_URL'] = `${other.url}/pager`;
  process.env['PAGERDUTY_ROUTING_KEY'] = 'a-routing-key';
});

afterEach(async () => {
  await dbt.close();
  await bolt.close();
  await app.close();
  await other.close();
  log.clear();
  process.env = { ...environment };
});

afterAll(() => rmSync(directory, { recursive: true }));

/** Returns a class of a code block. */
async function load<T = object>(document: string, file: string, name: string): Promise<Type<T>> {
  return ((await import(join(directory, document, file))) as Record<string, Type<T>>)[name] as Type<T>;
}

async function start(...providers: Type[]): Promise<void> {
  const webhooks = WebhooksModule.forRoot({
    sources: [
      dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], api: dbt.options() }),
      paradime({ name: 'paradime', secrets: [TEST_SECRETS.paradime], api: bolt.options('act') }),
    ],
    inbox: memoryInbox(),
    dispatch: 'manual',
    clock,
  });
  const testing = Test.createTestingModule({ imports: [webhooks], providers });
  app = (await testing.compile()).createNestApplication({ logger: log });
  await app.listen(0, '127.0.0.1');
  dbt.subscribe({ url: `${await app.getUrl()}/webhooks/dbt` });
}

/** Lets a run of the job end after a minute, with these results of its only step, and all handlers that follow run. */
async function ends(run: FakeDbtRun, row: DbtFileRow = { id: ORDERS }): Promise<FakeDbtRun> {
  clock.advance(MINUTE);
  const results = runResultsFile([row], { generatedAt: clock.now() });
  await (row.status === undefined ? run.succeed({ results }) : run.fail({ results }));
  await waitUntilIdle(app);
  return run;
}

/** Starts the run that Runhooks asked for last. */
async function started(): Promise<FakeDbtRun> {
  const run = dbt.runs.at(-1);
  if (run?.status !== 1) throw new Error('No run was asked for');
  return await run.start();
}

async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  await waitUntilIdle(app);
}

/** Lets the look-ups of an action pass, and the handlers run at each of them. */
async function lookUps(): Promise<void> {
  for (const ms of [10_000, MINUTE, MINUTE]) await pass(ms);
}

/** Returns the paths of the calls that asked dbt Cloud to do something, without the account. */
function acts(): string[] {
  return dbt.calls.filter(({ method }) => method === 'POST').map(({ path }) => path.replace(/^.*\/accounts\/\d+/, ''));
}

async function deadLetters(): Promise<number> {
  return (await app.get(Inbox).counts()).deliveries.dead;
}

/** The class of docs/actions.md for operators. */
interface Desk {
  unknown(): Promise<readonly { readonly source: string; readonly key: string }[]>;
  started(source: string, key: string, runId: string, by: string): Promise<void>;
  notStarted(source: string, key: string, by: string): Promise<void>;
}

describe('docs/actions.md', () => {
  it('retries a failed run once with three lines', async () => {
    await start(await load('docs/actions', 'src/retries.ts', 'Retries'));
    const run = await ends(await job.run(), WRONG);
    expect(acts()).toEqual([`/runs/${run.id}/retry/`]);
    await ends(await started(), WRONG);
    expect(acts()).toHaveLength(1);
    const { items } = await app.get(Inbox).deliveries({ state: 'dead' });
    expect(items).toMatchObject([{ handlerId: 'retries.retry' }]);
  });

  it('shows what the log says about actions', async () => {
    await start(await load('docs/actions', 'src/retries.ts', 'Retries'));
    const first = await ends(await job.run(), WRONG);
    const lost = await dbt.job({ name: 'hourly' }).run();
    dbt.faults.cut({ path: /retry/ });
    await ends(lost, WRONG);
    await pass(10_000);
    const [, answered, , found] = dbt.runs;
    const late = await job.run();
    await job.run();
    await ends(late, WRONG);
    dbt.faults.respond(503, { path: /retry/ });
    const unknown = await ends(await dbt.job({ name: 'weekly' }).run(), WRONG);
    await lookUps();
    const runs = [
      [first.id, answered?.id],
      [lost.id, ''],
      [lost.id, found?.id],
      [late.id, ''],
      [unknown.id, ''],
    ];
    const text = readFileSync(join(import.meta.dirname, '../../docs/actions.md'), 'utf8');
    const shown = /```\n(LOG .*?)\n```/s.exec(text)?.[1]?.split('\n') ?? [];
    expect(shown).toHaveLength(runs.length);
    for (const [index, [five = '', six = '']] of runs.entries()) {
      const [, line = ''] = /^\w+ \[Runhooks\] (.*)$/.exec(shown[index] ?? '') ?? [];
      expect(log.like(line.replace('run 5', `run ${five}`).replace('run 6', `run ${six}`))).toHaveLength(1);
    }
  });

  it.each([
    ['retries a run whose nodes all failed for a reason that passes', [TIMEOUT], 1],
    ['does not retry a run with a wrong model', [WRONG], 0],
  ] as const)('%s', async (_, [row], calls) => {
    await start(await load('docs/actions', 'src/careful-retries.ts', 'CarefulRetries'));
    await ends(await job.run(), row);
    expect(acts()).toHaveLength(calls);
  });

  it('retries such a run twice at most', async () => {
    await start(await load('docs/actions', 'src/careful-retries.ts', 'CarefulRetries'));
    await ends(await job.run(), TIMEOUT);
    await ends(await started(), TIMEOUT);
    await ends(await started(), TIMEOUT);
    expect(acts()).toHaveLength(2);
  });

  it.each([
    ['during business hours', 8 * 60 * MINUTE, {}],
    ['of a pull request', 0, { pullRequestId: 12 }],
  ])('does not retry a run %s', async (_, ms, options) => {
    await start(await load('docs/actions', 'src/careful-retries.ts', 'CarefulRetries'));
    clock.advance(ms);
    await ends(await job.run(options), TIMEOUT);
    expect(acts()).toEqual([]);
  });

  it('starts the job of a run that failed during its setup, once for each incident', async () => {
    await start(await load('docs/actions', 'src/restarts.ts', 'Restarts'));
    const fails = async (run: FakeDbtRun) => {
      clock.advance(MINUTE);
      await run.fail({ step: 'dbt deps', logs: 'Could not resolve host: hub.getdbt.com' });
      await waitUntilIdle(app);
    };
    const run = await job.run();
    await fails(run);
    expect(acts()).toEqual([`/jobs/${job.id}/run/`]);
    expect(dbt.runs.at(-1)?.cause).toMatch(new RegExp(`^runhooks:[0-9a-f]{16} Run ${run.id} failed during its setup$`));
    await fails(await started());
    expect(acts()).toHaveLength(1);
  });

  describe('the desk for unknown actions', () => {
    let desk: Desk;

    beforeEach(async () => {
      const ActionDesk = await load<Desk>('docs/actions', 'src/action-desk.ts', 'ActionDesk');
      await start(await load('docs/actions', 'src/retries.ts', 'Retries'), ActionDesk);
      desk = app.get(ActionDesk);
      dbt.faults.respond(503, { path: /retry/ });
    });

    it('lets the handler make the call again if the provider shows no run', async () => {
      const run = await ends(await job.run(), WRONG);
      await lookUps();
      const [action] = await desk.unknown();
      expect(action).toMatchObject({ source: 'dbt', asked: `retry ${run.id}`, handlerId: 'retries.retry' });
      expect(await deadLetters()).toBe(1);
      await desk.notStarted('dbt', action?.key ?? '', 'Kim');
      await waitUntilIdle(app);
      expect(acts()).toHaveLength(2);
      expect(await desk.unknown()).toEqual([]);
      expect(await deadLetters()).toBe(0);
    });

    it('gives the handler the run that the operator found', async () => {
      await ends(await job.run(), WRONG);
      await lookUps();
      const [action] = await desk.unknown();
      const found = await job.run();
      await desk.started('dbt', action?.key ?? '', found.id, 'Kim');
      await waitUntilIdle(app);
      expect(acts()).toHaveLength(1);
      expect(await deadLetters()).toBe(0);
      const { items } = await app.get(Inbox).actions({ state: 'answered' });
      expect(items).toMatchObject([{ answer: { runId: found.id } }]);
      expect((await app.get(Inbox).audit()).items.map(({ action: decided, by }) => `${decided} ${by}`)).toEqual([
        'redrive Kim',
        'decide Kim',
      ]);
    });
  });

  it('starts a run of Paradime once for a key, outside of a handler', async () => {
    bolt.schedule({ name: 'Backfill', slug: 'backfill' });
    const Backfill = await load<{ start(day: string): Promise<object> }>('docs/actions', 'src/backfill.ts', 'Backfill');
    await start(Backfill);
    const backfill = app.get(Backfill);
    bolt.faults.respond(503, { body: /triggerBoltRun/ });
    expect(await backfill.start('2026-11-29')).toEqual({ callAgainInMs: 10_000 });
    for (const ms of [10_000, MINUTE]) {
      clock.advance(ms);
      expect(await backfill.start('2026-11-29')).toEqual({ callAgainInMs: MINUTE });
    }
    clock.advance(MINUTE);
    await expect(backfill.start('2026-11-29')).rejects.toMatchObject({ code: 'RUNHOOKS_ACTION_UNKNOWN' });
    expect(bolt.runs).toEqual([]);
    const { runId } = (await backfill.start('2026-11-30')) as { readonly runId: string };
    expect(await backfill.start('2026-11-30')).toEqual({ runId });
    expect(bolt.runs.map(({ id, reason }) => `${id} ${reason}`)).toEqual([
      expect.stringMatching(new RegExp(`^${runId} runhooks:[0-9a-f]{16} Backfill of 2026-11-30$`)),
    ]);
  });
});

describe('docs/recipes/retry-once.md', () => {
  beforeEach(async () => start(await load('docs/recipes/retry-once', 'src/night-watch.ts', 'NightWatch')));

  /** Returns the calls of the pager, as `trigger` and the beginning of its summary, or `resolve`. */
  function pages(): string[] {
    return other.requests.map(({ body }) => {
      const { summary } = { summary: '', ...(body['payload'] as object | undefined) };
      return `${String(body['event_action'])} ${summary}`.trim();
    });
  }

  it('pages for nothing if the retry succeeds', async () => {
    await ends(await job.run(), TIMEOUT);
    await ends(await started());
    expect(acts()).toHaveLength(1);
    expect(pages()).toEqual(['resolve']);
    expect(await deadLetters()).toBe(0);
  });

  it('pages once if the retry fails, and resolves the page when the job works again', async () => {
    await ends(await job.run(), WRONG);
    expect(pages()).toEqual([]);
    await ends(await started(), WRONG);
    expect(pages()).toEqual(['trigger nightly-build failed: the retry failed, too']);
    clock.advance(DAY);
    await ends(await job.run());
    expect(pages()).toEqual([expect.stringMatching(/^trigger/), 'resolve']);
    expect(new Set(other.requests.map(({ body }) => body['dedup_key'])).size).toBe(1);
    expect(await deadLetters()).toBe(0);
  });

  it('pages once if the retry is canceled, which only a sweep finds', async () => {
    await ends(await job.run(), TIMEOUT);
    await (await started()).cancel();
    clock.advance(10 * MINUTE);
    await sweep(app);
    expect(pages()).toEqual(['trigger nightly-build failed: the retry was canceled']);
    await (await job.run()).cancel();
    clock.advance(10 * MINUTE);
    await sweep(app);
    expect(pages()).toHaveLength(1);
    expect(acts()).toHaveLength(1);
  });

  it('pages if the run cannot be retried', async () => {
    const run = await job.run();
    clock.advance(MINUTE);
    await run.fail({ step: 'dbt deps' });
    await waitUntilIdle(app);
    expect(pages()).toEqual([expect.stringMatching(/^trigger nightly-build failed: /)]);
    expect(await deadLetters()).toBe(0);
  });

  it('leaves a run to the later run of its job', async () => {
    const run = await job.run();
    await job.run();
    await ends(run, TIMEOUT);
    expect(pages()).toEqual([]);
    expect(await deadLetters()).toBe(0);
  });

  it('pages once if it is unknown whether the retry was started', async () => {
    dbt.faults.respond(503, { path: /retry/ });
    await ends(await job.run(), TIMEOUT);
    await lookUps();
    await lookUps();
    expect(pages()).toEqual([expect.stringMatching(/^trigger nightly-build failed: /)]);
    expect(await deadLetters()).toBe(1);
  });
});

describe('docs/recipes/start-downstream.md', () => {
  it('starts one run when three jobs are done', async () => {
    process.env['DOWNSTREAM_JOB_ID'] = job.id;
    await start(await load('docs/recipes/start-downstream', 'src/downstream.ts', 'Downstream'));
    const runs: FakeDbtRun[] = [];
    for (const name of ['ingest-orders', 'ingest-customers', 'ingest-payments']) {
      expect(acts()).toEqual([]);
      runs.push(await ends(await dbt.job({ name }).run()));
    }
    expect(acts()).toEqual([`/jobs/${job.id}/run/`]);
    const [orders] = runs;
    expect(dbt.runs.at(-1)?.cause).toMatch(/^runhooks:[0-9a-f]{16} After ingest-orders \(run \d+\), ingest-customers /);
    expect(dbt.runs.at(-1)?.cause).toContain(`ingest-orders (run ${orders?.id})`);
    expect(log.containing(`Run ${dbt.runs.at(-1)?.id} was started`)).toHaveLength(1);
  });
});

describe('docs/recipes/cancel-stuck-run.md', () => {
  it('cancels a run that takes three times as long as usual, and leaves one that is over alone', async () => {
    await start(await load('docs/recipes/cancel-stuck-run', 'src/stuck-runs.ts', 'StuckRuns'));
    for (let run = 0; run < 10; run++) await ends(await job.run());
    const stuck = await job.run();
    clock.advance(2 * MINUTE);
    await waitUntilIdle(app);
    expect(stuck.status).toBe(3);
    clock.advance(2 * MINUTE);
    await waitUntilIdle(app);
    expect(stuck.status).toBe(30);
    expect(log.containing(`Run ${stuck.id} of nightly-build was canceled after`)).toHaveLength(1);
    clock.advance(5 * MINUTE);
    await sweep(app);
    expect(log.containing(`Run ${stuck.id} of nightly-build is canceled`)).toHaveLength(1);

    // The webhook about the end of this run is lost.
    const over = await job.run();
    clock.advance(MINUTE);
    dbt.faults.loseWebhooks();
    await over.succeed();
    clock.advance(4 * MINUTE);
    await waitUntilIdle(app);
    expect(over.status).toBe(10);
    expect(await deadLetters()).toBe(0);
  });
});
