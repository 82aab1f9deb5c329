import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { Injectable, type Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Inbox,
  OnNodeFailed,
  OnNodeRecovered,
  OnRunResults,
  WebhooksModule,
  type NodeFailed,
  type NodeRecovered,
  type RunResultsEvent,
  type WebhooksOptions,
} from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { sqliteInbox } from 'nestjs-runhooks/sqlite';
import {
  fakeDbtCloud,
  type FakeDbtCloud,
  type FakeDbtJob,
  type FakeDbtRun,
  type FakeDbtRunOptions,
  ManualClock,
  memoryInbox,
  runResultsFile,
  type DbtFileRow,
  TEST_SECRETS,
  waitUntilIdle,
} from 'nestjs-runhooks/testing';

const START = new Date('2026-11-23T12:00:00.000Z');
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const ORDERS = 'model.shop.orders';
const UNIQUE = 'test.shop.unique_orders_id.fed79b3a6e';

/** Keeps what each handler was told, as short lines. */
@Injectable()
class Told {
  readonly lines: string[] = [];
  readonly failed: NodeFailed[] = [];
  readonly results: RunResultsEvent[] = [];
}

@Injectable()
class NodeHandlers {
  constructor(private readonly told: Told) {}

  @OnNodeFailed({ id: 'nodes.failed' })
  nodeFailed(event: NodeFailed): void {
    const { node, run, firstFailure, late } = event;
    this.told.failed.push(event);
    this.told.lines.push(`${run.id} ${node.name} ${late ? 'late' : firstFailure ? 'first' : 'again'}`);
  }

  @OnNodeFailed({ id: 'nodes.failed-tests', kind: 'test', node: 'unique_*', includeIsolated: true })
  testFailed({ node, run, isolated }: NodeFailed): void {
    this.told.lines.push(`${run.id} ${node.name} test${isolated ? ' isolated' : ''}`);
  }

  @OnNodeRecovered({ id: 'nodes.recovered' })
  recovered({ node, run, incident }: NodeRecovered): void {
    this.told.lines.push(`${run.id} ${node.name} recovered after ${incident.failures}`);
  }
}

@Injectable()
class ResultsHandler {
  constructor(private readonly told: Told) {}

  @OnRunResults({ id: 'results.keep' })
  keep(event: RunResultsEvent): void {
    this.told.results.push(event);
  }
}

let clock: ManualClock;
let dbt: FakeDbtCloud;
let app: INestApplication;
let job: FakeDbtJob;

beforeEach(async () => {
  clock = new ManualClock(START);
  dbt = await fakeDbtCloud({ clock });
  job = dbt.job({ name: 'nightly-build', schedule: '0 3 * * *' });
});

afterEach(async () => {
  await dbt.close();
  await app.close();
});

async function start(
  handlers: readonly Type[],
  { inbox = memoryInbox(), ...options }: Partial<WebhooksOptions> = {},
): Promise<Told> {
  const source = dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], api: dbt.options() });
  const testing = await Test.createTestingModule({
    imports: [WebhooksModule.forRoot({ sources: [source], inbox, dispatch: 'manual', clock, ...options })],
    providers: [Told, ...handlers],
  }).compile();
  app = testing.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  dbt.subscribe({ url: `${await app.getUrl()}/webhooks/dbt` });
  return app.get(Told);
}

/** Lets a run end with these rows, and everything that follows happen. */
async function ends(
  rows: readonly DbtFileRow[],
  options: FakeDbtRunOptions = {},
  outcome: 'succeed' | 'fail' = rows.some(({ status }) => status === 'error' || status === 'fail') ? 'fail' : 'succeed',
): Promise<FakeDbtRun> {
  clock.advance(DAY);
  const run = await job.run(options);
  clock.advance(MINUTE);
  await run[outcome]({ results: runResultsFile(rows, { generatedAt: clock.now() }) });
  await settle();
  return run;
}

async function settle(): Promise<void> {
  await dbt.sendDue();
  await waitUntilIdle(app);
}

describe('results of runs', () => {
  it('report a failing test as the first failure once, and its recovery', async () => {
    const told = await start([NodeHandlers]);
    const fails = [{ id: ORDERS }, { id: UNIQUE, status: 'fail', message: 'Got 4 results', failures: 4 }];
    const first = await ends(fails);
    const second = await ends(fails);
    const third = await ends([{ id: ORDERS }, { id: UNIQUE }]);
    expect(told.lines.sort()).toEqual(
      [
        `${first.id} unique_orders_id first`,
        `${first.id} unique_orders_id test`,
        `${second.id} unique_orders_id again`,
        `${second.id} unique_orders_id test`,
        `${third.id} unique_orders_id recovered after 2`,
      ].sort(),
    );
    expect(told.failed[0]).toMatchObject({
      type: 'node.failed',
      provider: 'dbt-cloud',
      run: { id: first.id, status: 'failed' },
      node: { uniqueId: UNIQUE, kind: 'test', package: 'shop', message: 'Got 4 results', failures: 4 },
      isolated: false,
    });
    expect(told.failed[1]?.incident?.failures).toBe(2);
  });

  it('are not fetched of a success that no handler asks for', async () => {
    await start([NodeHandlers]);
    await ends([{ id: ORDERS }]);
    expect(dbt.calls.filter(({ path }) => path.includes('/artifacts/'))).toEqual([]);
  });

  it('have counts by outcome, kind and status', async () => {
    const told = await start([ResultsHandler]);
    await ends([
      { id: ORDERS, status: 'error', message: 'Database Error' },
      { id: UNIQUE, status: 'warn', message: 'Got 1 result', failures: 1 },
      { id: 'test.shop.not_null_orders_id.cf6c17daed', status: 'skipped' },
      { id: 'seed.shop.countries' },
      { id: 'model.shop.new', status: 'quantum' },
    ]);
    const { results } = told.results[0]!;
    expect(results).toMatchObject({
      state: 'available',
      counts: { total: 5, succeeded: 1, warned: 1, failed: 1, skipped: 1, unknown: 1 },
      kinds: {
        model: { total: 2, failed: 1, unknown: 1 },
        test: { total: 2, warned: 1, skipped: 1 },
        seed: { total: 1 },
      },
      statuses: { error: 1, warn: 1, skipped: 1, success: 1, quantum: 1 },
      failed: [{ uniqueId: ORDERS, message: 'Database Error' }],
      warned: [{ uniqueId: UNIQUE, failures: 1 }],
      omitted: 0,
    });
  });

  it('give the reason if there are none', async () => {
    const told = await start([ResultsHandler]);
    const canceled = await job.run();
    await canceled.cancel();
    const unreadable = await job.run();
    await unreadable.fail({ results: '<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> main' });
    await settle();
    const without = await job.run();
    await without.fail();
    await settle();
    for (let minutes = 0; minutes < 30; minutes += 1) {
      clock.advance(MINUTE);
      await app.get(Inbox).sweep({ by: 'spec' });
      await settle();
    }
    expect(told.results.map(({ run, results }) => [run.id, 'reason' in results && results.reason])).toEqual(
      expect.arrayContaining([
        [unreadable.id, 'unreadable'],
        [without.id, 'not-written'],
      ]),
    );
  });

  it('of a pull request open no incident and reach only handlers that ask', async () => {
    const told = await start([NodeHandlers]);
    const fails = [{ id: UNIQUE, status: 'fail' }];
    const isolated = await ends(fails, { pullRequestId: 12 });
    const nightly = await ends(fails);
    expect(told.lines).toEqual(
      expect.arrayContaining([
        `${isolated.id} unique_orders_id test isolated`,
        `${nightly.id} unique_orders_id first`,
        `${nightly.id} unique_orders_id test`,
      ]),
    );
    expect(told.lines).toHaveLength(3);
    expect((await app.get(Inbox).nodes({ hasIncident: true })).items).toHaveLength(1);
  });

  it('wait, uncounted, while the API of the provider is down', async () => {
    const told = await start([NodeHandlers]);
    dbt.faults.respond(503, { times: 10_000 });
    const run = await ends([{ id: UNIQUE, status: 'fail' }]);
    for (let hours = 0; hours < 24; hours += 6) {
      clock.advance(6 * 60 * MINUTE);
      await waitUntilIdle(app);
    }
    expect(told.lines).toEqual([]);
    const { items } = await app.get(Inbox).deliveries({ state: 'pending' });
    expect(items).toMatchObject([{ handlerId: 'runhooks.results:dbt', attempts: 0, waitingFor: expect.any(String) }]);
    dbt.faults.clear();
    clock.advance(60 * MINUTE);
    await waitUntilIdle(app);
    expect(told.lines).toContain(`${run.id} unique_orders_id first`);
    expect((await app.get(Inbox).deliveries({ state: 'pending' })).items).toEqual([]);
  });

  it('pass the redact option before they are stored', async () => {
    const told = await start([NodeHandlers], { redact: (text) => text.replaceAll('kim@example.com', '[email]') });
    const red = '\u001B[31m';
    const run = await ends([{ id: UNIQUE, status: 'fail', message: `${red}kim@example.com is twice\u001B[0m` }]);
    expect(told.failed[0]?.node.message).toBe('[email] is twice');
    const stored = await app.get(Inbox).results({ source: 'dbt', accountId: '43786', runId: run.id });
    expect(JSON.stringify(stored)).not.toContain('kim@example.com');
    expect(JSON.stringify(stored)).toContain('[email] is twice');
  });

  it('can be replayed to a handler that is added later', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'runhooks-results-'));
    const inbox = sqliteInbox({ path: join(folder, 'inbox.db') });
    await start([], { inbox });
    const run = await ends([{ id: UNIQUE, status: 'fail' }]);
    expect((await app.get(Inbox).events({ type: 'node.failed' })).items).toEqual([]);
    await app.close();
    const told = await start([NodeHandlers], { inbox });
    await app.get(Inbox).replay({
      id: 'first-look',
      events: { type: 'run.completed' },
      handlerIds: ['runhooks.results:dbt'],
      by: 'spec',
    });
    await settle();
    expect(told.lines).toContain(`${run.id} unique_orders_id first`);
    await app.close();
    rmSync(folder, { recursive: true });
  });

  it('let an operator close an incident, which then ends without a recovery', async () => {
    const told = await start([NodeHandlers]);
    await ends([{ id: UNIQUE, status: 'fail' }]);
    const inbox = app.get(Inbox);
    const [node] = (await inbox.nodes({ hasIncident: true })).items;
    expect(node).toMatchObject({ nodeId: UNIQUE, incident: { failures: 1 }, history: [{ outcome: 'failed' }] });
    const { source, scope, nodeId } = node!;
    expect(await inbox.closeNodeIncident({ source, scope, nodeId, by: 'kim', reason: 'known' })).toBe(true);
    await ends([{ id: UNIQUE }]);
    expect(told.lines.filter((line) => line.includes('recovered'))).toEqual([]);
    const again = await ends([{ id: UNIQUE, status: 'fail' }]);
    expect(told.lines).toContain(`${again.id} unique_orders_id first`);
    expect((await inbox.audit()).items).toMatchObject([{ action: 'close', by: 'kim', reason: 'known' }]);
  });
});
