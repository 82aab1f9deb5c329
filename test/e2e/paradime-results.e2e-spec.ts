import { Injectable, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Inbox,
  InjectProviderApi,
  OnNodeFailed,
  OnNodeRecovered,
  OnRunResults,
  WebhooksModule,
  type NodeFailed,
  type NodeRecovered,
  type RunResultsEvent,
} from 'nestjs-runhooks';
import { ParadimeApi, paradime } from 'nestjs-runhooks/paradime';
import {
  fakeParadime,
  ManualClock,
  memoryInbox,
  runResultsFile,
  TEST_SECRETS,
  waitUntilIdle,
  type DbtFileRow,
  type FakeBoltRunOptions,
  type FakeBoltSchedule,
  type FakeParadime,
} from 'nestjs-runhooks/testing';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const ORDERS = 'model.shop.orders';
const UNIQUE = 'test.shop.unique_orders_id.fed79b3a6e';
const PATH = 'target/run_results.json';
const MANIFEST = { metadata: {}, nodes: { [UNIQUE]: { unique_id: UNIQUE, config: { meta: { owner: 'sales' } } } } };

@Injectable()
class OnCall {
  readonly lines: string[] = [];
  readonly results: RunResultsEvent[] = [];

  constructor(@InjectProviderApi('bolt') readonly api: ParadimeApi) {}

  @OnNodeFailed({ id: 'on-call.failed', job: 'nightly-run' })
  async failed({ run, node, firstFailure }: NodeFailed): Promise<void> {
    const owner = (await this.api.manifestNode(run.id, node.uniqueId, { commandId: node.step?.id }))?.owner;
    this.lines.push(`${run.id} ${node.name} ${firstFailure ? 'first' : 'again'} in ${node.step?.name} of ${owner}`);
  }

  @OnNodeRecovered({ id: 'on-call.recovered' })
  recovered({ run, node, incident }: NodeRecovered): void {
    this.lines.push(`${run.id} ${node.name} recovered after ${incident.failures}`);
  }

  @OnRunResults({ id: 'on-call.results' })
  keep(event: RunResultsEvent): void {
    this.results.push(event);
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
  schedule = bolt.schedule({ name: 'nightly-run', slug: 'nightly-run-1a2b3c', commands: ['dbt run', 'dbt test'] });
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
});

afterEach(async () => {
  await app.close();
  await bolt.close();
});

/** Lets a run end a day later, with these results of `dbt test`, and returns its id. */
async function ends(rows: readonly DbtFileRow[] | null, options: FakeBoltRunOptions = {}): Promise<string> {
  clock.advance(DAY);
  const run = await schedule.run(options);
  clock.advance(MINUTE);
  const generatedAt = clock.now();
  const files = {
    'dbt run': { [PATH]: runResultsFile([{ id: ORDERS }], { generatedAt, which: 'run' }) },
    'dbt test': {
      [PATH]: rows && runResultsFile(rows, { generatedAt, which: 'test' }),
      'target/manifest.json': MANIFEST,
    },
  };
  await (rows?.every(({ status }) => status === undefined) ? run.succeed({ files }) : run.fail({ files }));
  await waitUntilIdle(app);
  return run.id;
}

describe('results of runs of Paradime', () => {
  it('report a failing test of a command once, and its recovery', async () => {
    const fails = [{ id: UNIQUE, status: 'fail', message: 'Got 4 results', failures: 4 }];
    const first = await ends(fails);
    const second = await ends(fails);
    const third = await ends([{ id: UNIQUE }]);
    expect(onCall.lines).toEqual([
      `${first} unique_orders_id first in dbt test of sales`,
      `${second} unique_orders_id again in dbt test of sales`,
      `${third} unique_orders_id recovered after 2`,
    ]);
    expect(onCall.results[0]).toMatchObject({
      type: 'run.results',
      provider: 'paradime',
      isolated: false,
      results: {
        state: 'available',
        counts: { total: 2, succeeded: 1, failed: 1 },
        failed: [{ uniqueId: UNIQUE, message: 'Got 4 results', failures: 4, step: { name: 'dbt test' } }],
      },
    });
  });

  it('open no incident for a pull request', async () => {
    await ends([{ id: UNIQUE, status: 'fail' }], { pullRequestId: 12 });
    expect(onCall.lines).toEqual([]);
    expect(onCall.results).toMatchObject([{ isolated: true, results: { counts: { failed: 1 } } }]);
    expect((await app.get(Inbox).nodes({ hasIncident: true })).items).toEqual([]);
  });

  it('wait for a file that is lost, and then report the command without results', async () => {
    const run = await ends(null);
    expect(onCall.results).toEqual([]);
    for (let minutes = 0; minutes < 10; minutes += 1) {
      clock.advance(MINUTE);
      await waitUntilIdle(app);
    }
    expect(onCall.results).toMatchObject([
      {
        run: { id: run },
        results: {
          counts: { total: 1, succeeded: 1 },
          missingSteps: [{ step: { name: 'dbt test' }, reason: 'not-written' }],
        },
      },
    ]);
  });
});
