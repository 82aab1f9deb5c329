import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Inbox, WebhooksModule } from 'nestjs-runhooks';
import type { RunKey, StoreFactory } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import {
  fakeDbtCloud,
  ManualClock,
  memoryInbox,
  runResultsFile,
  TEST_SECRETS,
  waitUntilIdle,
  type DbtFileRow,
  type FakeDbtCloud,
  type FakeDbtJob,
} from 'nestjs-runhooks/testing';
import { writeCodeBlocks } from './code-blocks.js';
import { LogLines } from './log-lines.js';
import { OtherSystem } from './other-system.js';

const { directory } = writeCodeBlocks();
const environment = { ...process.env };

const TEST_ID = 'test.shop.unique_orders_id.fed79b3a6e';
const FAILING: DbtFileRow = { id: TEST_ID, status: 'fail', message: 'Got 2 results, <expected> 0', failures: 2 };
const PASSING: DbtFileRow = { id: TEST_ID };
const MANIFEST = {
  metadata: { dbt_schema_version: 'https://schemas.getdbt.com/dbt/manifest/v12.json' },
  nodes: {
    [TEST_ID]: {
      unique_id: TEST_ID,
      name: 'unique_orders_id',
      package_name: 'shop',
      original_file_path: 'models/orders.yml',
      tags: ['finance'],
      config: { group: 'finance', meta: {} },
      meta: {},
      description: '',
    },
  },
  sources: {},
  groups: { 'group.shop.finance': { name: 'finance', owner: { name: 'Finance' } } },
};

let clock: ManualClock;
let dbt: FakeDbtCloud;
let job: FakeDbtJob;
let app: INestApplication;
let other: OtherSystem;
const log = new LogLines();

beforeEach(async () => {
  clock = new ManualClock();
  dbt = await fakeDbtCloud({ clock });
  job = dbt.job({ name: 'nightly-build' });
  other = await OtherSystem.start();
  process.env['SLACK_WEBHOOK_URL'] = `${other.url}/slack`;
  process.env['PAGERDUTY_URL'] = `${other.url}/pager`;
  process.env['PAGERDUTY_ROUTING_KEY'] = 'a-routing-key';
  process.env['GITHUB_API_URL'] = other.url;
  process.env['GITHUB_REPOSITORY'] = 'shop/analytics';
  process.env['GITHUB_TOKEN'] = 'a-token';
});

afterEach(async () => {
  await dbt.close();
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

/** Starts an app with the handlers of a recipe. */
async function start(recipe: string, file: string, name: string): Promise<void> {
  await startWith([await load(`docs/recipes/${recipe}`, file, name)]);
}

async function startWith(providers: Type[], inbox: StoreFactory = memoryInbox()): Promise<void> {
  const api = dbt.options();
  const webhooks = WebhooksModule.forRoot({
    sources: [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], accessUrl: 'https://ab123.us1.dbt.com', api })],
    inbox,
    dispatch: 'manual',
    clock,
  });
  const testing = Test.createTestingModule({ imports: [webhooks], providers });
  app = (await testing.compile()).createNestApplication({ logger: log });
  await app.listen(0, '127.0.0.1');
  dbt.subscribe({ url: `${await app.getUrl()}/webhooks/dbt` });
}

/** Runs the job, whose `dbt build` comes to these rows, and all handlers that follow. Returns the id of the run. */
async function night(row: DbtFileRow): Promise<string> {
  const run = await job.run();
  clock.advance(60_000);
  const results = runResultsFile([{ id: 'model.shop.orders' }, row], { generatedAt: clock.now() });
  const artifacts = { 'manifest.json': MANIFEST };
  if (row === PASSING) await run.succeed({ results, artifacts });
  else await run.fail({ results, artifacts });
  await waitUntilIdle(app);
  clock.advance(24 * 60 * 60_000);
  return run.id;
}

/** Returns how many deliveries have failed for good. */
async function deadLetters(): Promise<number> {
  return (await app.get(Inbox).counts()).deliveries.dead;
}

/** The class of docs/results.md that inspects results and nodes. */
interface Desk {
  catchUp(source: string, since: Date, by: string): Promise<number>;
  failedNodes(run: RunKey): Promise<readonly { readonly uniqueId: string }[]>;
  openIncidents(source: string): Promise<readonly object[]>;
  close(source: string, nodeId: string, by: string): Promise<void>;
}

describe('docs/results.md', () => {
  it('has handlers that report each run, each new failure and each recovery, and the owner of a node', async () => {
    await startWith([
      await load('docs/results', 'src/data-quality.ts', 'DataQuality'),
      await load('docs/results', 'src/owners.ts', 'Owners'),
    ]);
    expect(log.containing('results of runs are fetched')).toEqual([
      'Source "dbt": results of runs are fetched for data-quality.summary, data-quality.page, data-quality.resolve, owners.notify',
    ]);
    for (const row of [FAILING, FAILING, PASSING]) await night(row);
    expect(log.containing('fails in')).toEqual([
      'test unique_orders_id fails in nightly-build: Got 2 results, <expected> 0',
    ]);
    expect(log.containing('nodes failed')).toEqual([
      ...Array<string>(2).fill('nightly-build: 1 of 2 nodes failed, 0 warned'),
      'nightly-build: 0 of 2 nodes failed, 0 warned',
    ]);
    expect(log.containing('works again')).toEqual(['test unique_orders_id works again after 2 failures']);
    expect(log.containing('owner: ')).toEqual(['unique_orders_id (models/orders.yml) fails, owner: Finance']);
  });

  it('has a desk that fetches results of past runs for a new handler, and closes an incident', async () => {
    const inbox = sqliteInbox({ path: join(directory, 'results.db') });
    await startWith([], inbox);
    const runId = await night(FAILING);
    await app.close();
    expect(dbt.calls).toEqual([]);

    const ResultsDesk = await load<Desk>('docs/results', 'src/results-desk.ts', 'ResultsDesk');
    await startWith([await load('docs/results', 'src/data-quality.ts', 'DataQuality'), ResultsDesk], inbox);
    const desk = app.get<Desk>(ResultsDesk);
    expect(await desk.catchUp('dbt', new Date(0), 'Kim')).toBe(1);
    expect(await desk.catchUp('dbt', new Date(0), 'Kim')).toBe(0);
    await waitUntilIdle(app);
    expect(log.containing('unique_orders_id fails in nightly-build')).toHaveLength(1);
    const accountId = dbt.options().accountId ?? '';
    expect(await desk.failedNodes({ source: 'dbt', accountId, runId })).toMatchObject([{ uniqueId: TEST_ID }]);
    expect(await desk.openIncidents('dbt')).toMatchObject([
      { nodeId: TEST_ID, incident: { failures: 1 }, last: { outcome: 'failed', status: 'fail', runId } },
    ]);
    await desk.close('dbt', TEST_ID, 'Kim');
    expect(await desk.openIncidents('dbt')).toEqual([]);
    await night(FAILING);
    expect(log.containing('unique_orders_id fails in nightly-build')).toHaveLength(2);
    expect(log.containing('works again')).toEqual([]);
  });
});

describe('docs/recipes/slack-failing-tests.md', () => {
  it('posts the failing tests of a run with their owners and a link, and nothing about a run without any', async () => {
    await start('slack-failing-tests', 'src/slack.ts', 'SlackMessages');
    await night(PASSING);
    expect(other.requests).toEqual([]);
    const runId = await night(FAILING);
    expect(other.requests.map(({ path }) => path)).toEqual(['/slack']);
    const [link, line, ...more] = String(other.requests[0]?.body['text']).split('\n');
    expect(link).toMatch(
      new RegExp(`^<https://ab123[.]us1[.]dbt[.]com/.*/runs/${runId}.*\\|Failing tests in nightly-build: 1>$`),
    );
    expect(line).toBe('• *unique_orders_id* (Finance): Got 2 results, &lt;expected&gt; 0');
    expect(more).toEqual([]);
    expect(await deadLetters()).toBe(0);
  });
});

describe('docs/recipes/page-once.md', () => {
  it('pages for the first failure of a node, and resolves the page when the node recovers', async () => {
    await start('page-once', 'src/pager.ts', 'Pager');
    for (const row of [FAILING, FAILING, PASSING, PASSING]) await night(row);
    expect(other.requests.map(({ body }) => body)).toEqual([
      {
        routing_key: 'a-routing-key',
        dedup_key: expect.stringMatching(/^[0-9a-f]{64}$/),
        event_action: 'trigger',
        payload: {
          summary: 'test unique_orders_id fails: Got 2 results, <expected> 0',
          source: 'nightly-build',
          severity: 'error',
        },
        links: [{ href: expect.stringContaining('https://ab123.us1.dbt.com/'), text: 'Run' }],
      },
      { routing_key: 'a-routing-key', dedup_key: other.requests[0]?.body['dedup_key'], event_action: 'resolve' },
    ]);
    expect(await deadLetters()).toBe(0);
  });

  it('has another key for the next incident of the node', async () => {
    await start('page-once', 'src/pager.ts', 'Pager');
    for (const row of [FAILING, PASSING, FAILING]) await night(row);
    expect(other.requests.map(({ body }) => body['event_action'])).toEqual(['trigger', 'resolve', 'trigger']);
    expect(new Set(other.requests.map(({ body }) => body['dedup_key'])).size).toBe(2);
  });

  it('pages before it resolves when PagerDuty was down in between', async () => {
    await start('page-once', 'src/pager.ts', 'Pager');
    other.statuses.push(503);
    for (const row of [FAILING, PASSING]) await night(row);
    await waitUntilIdle(app);
    expect(other.requests.map(({ body }) => body['event_action'])).toEqual(['trigger', 'trigger', 'resolve']);
  });
});

describe('docs/recipes/ticket-per-incident.md', () => {
  it('opens one ticket for an incident, comments on it, and closes it', async () => {
    await start('ticket-per-incident', 'src/tickets.ts', 'Tickets');
    for (const row of [FAILING, FAILING, PASSING]) await night(row);
    const [ticket, ...more] = other.issues;
    expect(more).toEqual([]);
    expect(ticket).toMatchObject({
      title: 'test unique_orders_id fails',
      state: 'closed',
      labels: [expect.stringMatching(/^dbt-[0-9a-f]{32}$/)],
      body: expect.stringMatching(/^Failed in https:.* of nightly-build:\n\n {4}Got 2 results, <expected> 0$/),
      comments: [expect.stringContaining('Got 2 results')],
    });
    await night(FAILING);
    expect(other.issues.map(({ state }) => state)).toEqual(['closed', 'open']);
    expect(await deadLetters()).toBe(0);
  });
});
