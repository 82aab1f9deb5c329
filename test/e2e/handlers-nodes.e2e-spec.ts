import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import {
  Inbox,
  OnNodeFailed,
  OnNodeRecovered,
  OnRunResults,
  Webhooks,
  type NodeFailed,
  type NodeRecovered,
  type RunResultsEvent,
} from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import {
  fakeDbtCloud,
  ManualClock,
  runResultsFile,
  TEST_SECRETS,
  type DbtFileRow,
  type FakeDbtCloud,
  type FakeDbtJob,
  type FakeDbtRunOptions,
} from 'nestjs-runhooks/testing';
import { closeApps, startHandlers, type HandlersApp, type HandlersSetup } from './handlers-app.js';

const ORDERS = 'model.shop.stg_orders';
const UNIQUE = 'test.shop.unique_orders_id.fed79b3a6e';
const OTHER = 'test.dbt_utils.not_null_id.a1b2c3d4e5';

let clock: ManualClock;
let dbt: FakeDbtCloud;
let job: FakeDbtJob;
let host: HandlersApp;

beforeEach(async () => {
  clock = new ManualClock();
  dbt = await fakeDbtCloud({ clock });
  job = dbt.job({ name: 'nightly' });
});

afterEach(async () => {
  await dbt.close();
  await closeApps();
});

/** Starts an app whose source has access to the API of the fake. */
async function start({ webhooks, ...setup }: HandlersSetup): Promise<void> {
  const sources = [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], api: dbt.options() })];
  host = await startHandlers({ ...setup, webhooks: { sources, clock, ...webhooks } });
  await host.app.listen(0, '127.0.0.1');
  dbt.subscribe({ url: `${await host.app.getUrl()}/webhooks/dbt` });
}

/** Runs the job with these rows in its file, and all handlers that follow. */
async function run(rows: readonly DbtFileRow[], options: FakeDbtRunOptions = {}): Promise<void> {
  const started = await job.run(options);
  clock.advance(60_000);
  const results = runResultsFile(rows, { generatedAt: clock.now() });
  if (rows.some(({ status }) => status !== undefined)) await started.fail({ results });
  else await started.succeed({ results });
  await host.idle();
  clock.advance(60_000);
}

const broken: readonly DbtFileRow[] = [
  { id: ORDERS, status: 'error', message: 'value 4711 is not a date' },
  { id: UNIQUE, status: 'fail', message: 'Got 2 results', failures: 2 },
  { id: OTHER, status: 'fail', message: 'Got 1 result', failures: 1 },
];

describe('handlers of nodes', () => {
  it('receive the nodes that match their filters', async () => {
    const seen: string[] = [];
    @Injectable()
    class Handlers {
      @OnNodeFailed({ id: 'models', kind: 'model' })
      @OnNodeFailed({ id: 'named', node: ['stg_*', UNIQUE] })
      @OnNodeFailed({ id: 'packaged', package: 'dbt_*' })
      @OnNodeFailed({ id: 'all', kind: ['model', 'test'], node: '*', package: '*' })
      @OnNodeFailed({ id: 'none', kind: 'seed' })
      failed({ node }: NodeFailed, { handlerId }: { readonly handlerId: string }): void {
        seen.push(`${handlerId} ${node.name}`);
      }
    }
    await start({ providers: [Handlers] });
    await run(broken);
    expect(seen.sort()).toEqual([
      'all not_null_id',
      'all stg_orders',
      'all unique_orders_id',
      'models stg_orders',
      'named stg_orders',
      'named unique_orders_id',
      'packaged not_null_id',
    ]);
  });

  it('receive nodes of isolated runs only if they include them', async () => {
    const seen: string[] = [];
    @Injectable()
    class Handlers {
      @OnNodeFailed({ id: 'page' })
      page(): void {
        seen.push('page');
      }

      @OnNodeFailed({ id: 'review', includeIsolated: true, kind: 'model' })
      review({ isolated, incident, firstFailure }: NodeFailed): void {
        seen.push(`review ${isolated} ${incident === undefined} ${firstFailure}`);
      }

      @OnRunResults({ id: 'board' })
      board({ isolated }: RunResultsEvent): void {
        seen.push(`board ${isolated}`);
      }
    }
    await start({ providers: [Handlers] });
    await run(broken, { pullRequestId: 12, causeCategory: 'ci' });
    expect(seen.sort()).toEqual(['board true', 'review true true false']);
  });

  it('receive the payload and the run of the webhook that completed the run', async () => {
    const seen: unknown[] = [];
    @Injectable()
    class Handlers {
      @OnNodeFailed({ provider: 'dbt-cloud', kind: 'model' })
      failed({ payload, run: { job: of }, provider }: NodeFailed<'dbt-cloud'>): void {
        seen.push([payload.eventType, payload.data.jobName, of.name, provider]);
      }
    }
    await start({ providers: [Handlers] });
    await run(broken);
    expect(seen).toEqual([['job.run.completed', 'nightly', 'nightly', 'dbt-cloud']]);
  });

  it('of a lazy module receive nodes after discover()', async () => {
    const seen: string[] = [];
    @Injectable()
    class Late {
      @OnNodeFailed({ kind: 'model' })
      failed({ node }: NodeFailed): void {
        seen.push(node.name);
      }
    }
    await start({});
    await run(broken);
    expect(dbt.calls).toEqual([]);
    await host.app.get(LazyModuleLoader).load(() => ({ module: class LateModule {}, providers: [Late] }));
    expect(host.app.get(Webhooks).discover()).toEqual(['Late.failed']);
    await run(broken);
    expect(seen).toEqual(['stg_orders']);
  });
});

describe('the option redact', () => {
  @Injectable()
  class Board {
    readonly messages: (string | undefined)[] = [];

    @OnRunResults()
    update({ results }: RunResultsEvent): void {
      if (results.state === 'available') this.messages.push(...results.failed.map(({ message }) => message));
    }
  }

  it('changes messages before they are stored and passed to handlers', async () => {
    const redact = (text: string, node: { readonly kind: string; readonly source: string }): string =>
      `${node.source} ${node.kind}: ${text.replaceAll(/\d+/g, '#')}`;
    await start({ providers: [Board], webhooks: { redact } });
    await run(broken);
    expect(host.app.get(Board).messages).toEqual([
      'dbt model: value # is not a date',
      'dbt test: Got # results',
      'dbt test: Got # result',
    ]);
    const { items } = await host.app.get(Inbox).events();
    expect(items.map(({ id, data }) => `${id} ${data}`).join('\n')).not.toMatch(/4711|Got 2/);
  });

  it('leaves messages out if it throws, and warns once without the text', async () => {
    const redact = (text: string): string => {
      throw new Error(`cannot parse ${text}`);
    };
    await start({ providers: [Board], webhooks: { redact } });
    await run(broken);
    expect(host.app.get(Board).messages).toEqual([undefined, undefined, undefined]);
    expect(host.log.containing('RUNHOOKS_REDACT_FAILED')).toHaveLength(1);
    expect(host.log.containing('4711')).toEqual([]);
  });
});

it('emits events of results to plain listeners', async () => {
  const seen: string[] = [];
  @Injectable()
  class Handlers {
    @OnNodeRecovered({ node: 'stg_orders' })
    recovered({ incident }: NodeRecovered): void {
      seen.push(`handled after ${incident.failures}`);
    }

    @OnEvent('node.*')
    node({ type, node }: NodeFailed | NodeRecovered): void {
      seen.push(`${type} ${node.name}`);
    }

    @OnEvent('run.results')
    results({ results }: RunResultsEvent): void {
      seen.push(`run.results ${results.state}`);
    }
  }
  await start({ providers: [Handlers], imports: [EventEmitterModule.forRoot({ wildcard: true })] });
  await run([{ id: ORDERS, status: 'error' }]);
  await run([{ id: ORDERS }]);
  expect(seen.sort()).toEqual([
    'handled after 1',
    'node.failed stg_orders',
    'node.recovered stg_orders',
    'run.results available',
    'run.results available',
  ]);
});

it('warns at startup about handlers of a source without access to the API', async () => {
  @Injectable()
  class Handlers {
    @OnNodeFailed({ id: 'page' })
    page(): void {}
  }
  host = await startHandlers({ providers: [Handlers] });
  expect(host.log.containing('RUNHOOKS_RESULTS_NOT_READ')).toHaveLength(2);
  expect(host.log.containing('are fetched')).toEqual([]);
});
