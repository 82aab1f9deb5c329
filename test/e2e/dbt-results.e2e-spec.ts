import { type INestApplication, Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type DeliveryContext,
  InjectProviderApi,
  type NodeFailed,
  OnNodeFailed,
  OnRunResults,
  type RunResultsEvent,
  WebhooksModule,
} from 'nestjs-runhooks';
import { type DbtCloudApi, dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import {
  fakeDbtCloud,
  type FakeDbtCloud,
  ManualClock,
  memoryInbox,
  runResultsFile,
  sourcesFile,
  TEST_SECRETS,
  waitUntilIdle,
} from 'nestjs-runhooks/testing';

const START = new Date('2026-11-30T03:00:00.000Z');
const MINUTE = 60_000;
const ORDERS = 'model.shop.orders';
const UNIQUE = 'test.shop.unique_orders_id.fed79b3a6e';
const RAW = 'source.shop.raw.orders';

@Injectable()
class OnCall {
  readonly pages: string[] = [];
  readonly results: RunResultsEvent[] = [];

  constructor(@InjectProviderApi('dbt') private readonly dbt: DbtCloudApi) {}

  @OnNodeFailed({ id: 'on-call.page', kind: ['model', 'test'] })
  async page({ node, run, firstFailure }: NodeFailed, { signal }: DeliveryContext): Promise<void> {
    const found = await this.dbt.manifestNode(run.id, node.uniqueId, { signal });
    this.pages.push(`${found?.owner}: ${node.name} in step ${node.step?.id}${firstFailure ? ', new' : ''}`);
  }

  @OnRunResults({ id: 'report.write' })
  write(event: RunResultsEvent): void {
    this.results.push(event);
  }
}

let clock: ManualClock;
let dbt: FakeDbtCloud;
let app: INestApplication;

beforeEach(async () => {
  clock = new ManualClock(START);
  dbt = await fakeDbtCloud({ clock });
  const source = dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], api: dbt.options() });
  const module = await Test.createTestingModule({
    imports: [WebhooksModule.forRoot({ sources: [source], inbox: memoryInbox(), dispatch: 'manual', clock })],
    providers: [OnCall],
  }).compile();
  app = module.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  dbt.subscribe({ url: `${await app.getUrl()}/webhooks/dbt` });
});

afterEach(async () => {
  await dbt.close();
  await app.close();
});

async function settle(): Promise<void> {
  await dbt.sendDue();
  await waitUntilIdle(app);
}

describe('results of dbt Cloud', () => {
  it('are those of the steps that executed nodes, with the owner of each node that failed', async () => {
    const steps = ['dbt source freshness', 'dbt run', 'dbt docs generate', 'dbt test'];
    const run = await dbt.job({ name: 'nightly', steps }).run();
    clock.advance(MINUTE);
    const generatedAt = clock.now();
    const docs = runResultsFile([{ id: ORDERS }, { id: UNIQUE }], { generatedAt, which: 'generate' });
    await run.fail({
      files: {
        'dbt source freshness': { 'sources.json': sourcesFile([{ id: RAW, status: 'warn' }], { generatedAt }) },
        'dbt run': { 'run_results.json': runResultsFile([{ id: ORDERS }], { generatedAt, which: 'run' }) },
        'dbt docs generate': { 'run_results.json': docs },
      },
      results: runResultsFile([{ id: UNIQUE, status: 'fail', failures: 4 }], { generatedAt, which: 'test' }),
      artifacts: { 'manifest.json': { nodes: { [UNIQUE]: { unique_id: UNIQUE, meta: { owner: 'team-shop' } } } } },
    });
    await settle();
    const { pages, results } = app.get(OnCall);
    expect(pages).toEqual(['team-shop: unique_orders_id in step 7, new']);
    expect(results).toHaveLength(1);
    expect(results[0]?.results).toMatchObject({
      state: 'available',
      counts: { total: 3, succeeded: 1, warned: 1, failed: 1 },
      warned: [{ uniqueId: RAW, step: { id: '4' } }],
      missingSteps: [],
    });
  });

  it('are waited for until the artifacts are saved', async () => {
    const job = dbt.job({ name: 'nightly' });
    const run = await job.run();
    clock.advance(MINUTE);
    dbt.faults.respond(404, { path: /run_results\.json/, times: 2 });
    await run.fail({ results: runResultsFile([{ id: ORDERS, status: 'error' }], { generatedAt: clock.now() }) });
    await settle();
    expect(app.get(OnCall).results).toEqual([]);
    for (const ms of [10_000, 30_000, MINUTE]) {
      clock.advance(ms);
      await settle();
    }
    expect(app.get(OnCall).results).toMatchObject([{ results: { failed: [{ uniqueId: ORDERS }] } }]);
    expect(app.get(OnCall).pages).toEqual(['undefined: orders in step 4, new']);
  });

  it('of a run with an overridden target reach handlers of results only', async () => {
    const run = await dbt.job({ name: 'nightly' }).run({ targetOverride: 'dev' });
    clock.advance(MINUTE);
    await run.fail({ results: runResultsFile([{ id: ORDERS, status: 'error' }], { generatedAt: clock.now() }) });
    await settle();
    expect(app.get(OnCall).pages).toEqual([]);
    expect(app.get(OnCall).results).toMatchObject([{ results: { counts: { failed: 1 } } }]);
  });
});
