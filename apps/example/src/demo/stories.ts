import type { INestApplication } from '@nestjs/common';
import {
  runResultsFile,
  sweep,
  type DbtFileRow,
  type FakeDbtCloud,
  type FakeDbtRun,
  type ManualClock,
} from 'nestjs-runhooks/testing';
import { attemptsFor, attemptsForEnd } from './scenario.js';

/** Something that happens at dbt Cloud, or a sweep of its API, and the expected results. */
export interface StoryStep {
  readonly kind: 'at dbt Cloud' | 'sweep';
  readonly title: string;
  act(app: INestApplication): Promise<unknown>;
  /** Webhooks of the step as `<type> <state>`. */
  readonly webhooks: readonly string[];
  /** Every attempt as `<handler> <event type> <outcome>`, in any order. */
  readonly attempts: readonly string[];
}

export interface Story {
  readonly title: string;
  readonly steps: readonly StoryStep[];
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const MODEL: DbtFileRow = { id: 'model.shop.orders', relation: '"shop"."main"."orders"' };
const TEST: DbtFileRow = { id: 'test.shop.unique_orders_order_id.fed79b3a6e' };
const FAILING_TEST: DbtFileRow = {
  ...TEST,
  status: 'fail',
  failures: 4,
  message: 'Got 4 results, configured to fail if != 0',
};

/**
 * Returns the stories about a test that fails for two nights, about a run that is retried, and about runs that no webhook
 * reports. `clock` is that of the fake: a sweep gives webhooks two minutes to arrive, by the provider's time.
 */
export function stories(dbt: FakeDbtCloud, clock: ManualClock): Story[] {
  const job = dbt.job({ name: 'nightly-build', schedule: '0 3 * * *' });
  const orders = dbt.job({ name: 'nightly-orders' });
  // The retry gets the next free id. The first one is that of a run of the webhooks above, so it is taken here.
  orders.queue();
  const runOf = (id: string) => {
    const run = dbt.runs.find((one) => one.id === id);
    if (!run) throw new Error(`The fake has no run ${id}`);
    return run;
  };
  const atDbt = (
    title: string,
    act: () => Promise<unknown>,
    webhooks: string[],
    attempts: string[] = [],
  ): StoryStep => ({
    kind: 'at dbt Cloud',
    title,
    act,
    webhooks,
    attempts,
  });
  const sweepAfter = (minutes: number, title: string, attempts: string[]): StoryStep => ({
    kind: 'sweep',
    title,
    act: (app) => {
      clock.advance(minutes * MINUTE_MS);
      return sweep(app, 'dbt');
    },
    webhooks: [],
    attempts,
  });
  const starts = (id: string) =>
    atDbt(
      `run ${id} starts`,
      () => {
        clock.advance(MINUTE_MS);
        return job.run({ id });
      },
      ['job.run.started delivered'],
      attemptsFor('run.started', 'running'),
    );
  const failsUnheard = () => {
    dbt.faults.loseWebhooks(2);
    const results = runResultsFile([{ ...MODEL, status: 'error', message: 'Database Error' }], {
      generatedAt: clock.now(),
    });
    return runOf('30001').fail({ message: 'dbt command failed', results });
  };
  /** A run ends with these rows, and handlers get them as its results. */
  const ends = (
    title: string,
    startRun: () => Promise<FakeDbtRun>,
    rows: readonly DbtFileRow[],
    attempts: string[],
  ): StoryStep => {
    const outcome = rows.every(({ status }) => status === undefined) ? 'succeeded' : 'failed';
    const types = ['job.run.started', ...(outcome === 'failed' ? ['job.run.errored'] : []), 'job.run.completed'];
    return atDbt(
      title,
      async () => {
        const run = await startRun();
        clock.advance(MINUTE_MS);
        const results = runResultsFile(rows, { generatedAt: clock.now() });
        if (outcome === 'failed') await run.fail({ message: 'dbt build failed', results });
        else await run.succeed({ results });
      },
      types.map((type) => `${type} delivered`),
      [
        ...attemptsFor('run.started', 'running'),
        ...attemptsFor(`run.${outcome}`, outcome),
        ...attemptsForEnd(outcome),
        'dbt-versions.note message.received succeeded',
        ...attempts,
      ],
    );
  };
  const night = (number: number, id: string, test: DbtFileRow, attempts: string[]): StoryStep => {
    const what = test.status === undefined ? 'succeeds' : 'fails at a test';
    const startRun = () => {
      clock.advance(DAY_MS);
      return job.run({ id });
    };
    return ends(`night ${number}: run ${id} ${what}`, startRun, [MODEL, test], attempts);
  };
  const startRetry = () => {
    const run = dbt.runs.at(-1);
    if (run === undefined || run.status !== 1) throw new Error('No retry was asked for');
    return run.start();
  };

  return [
    {
      title: 'A test of the nightly job fails. On-call sees which one and why, once',
      steps: [
        night(1, '40001', FAILING_TEST, ['on-call.node-failed node.failed succeeded']),
        night(2, '40002', FAILING_TEST, ['on-call.node-failed node.failed succeeded']),
        night(3, '40003', TEST, ['on-call.node-recovered node.recovered succeeded']),
      ],
    },
    {
      title:
        'A nightly job loses the connection to its warehouse. The app retries the run once, and the retry succeeds',
      steps: [
        ends(
          'run 50001 fails',
          () => orders.run({ id: '50001' }),
          [{ ...MODEL, status: 'error', message: 'Database Error: connection reset by peer' }],
          ['on-call.node-failed node.failed succeeded', 'retries.retry run.results succeeded'],
        ),
        ends(
          'the run that the app asked for succeeds',
          startRetry,
          [MODEL],
          [
            'on-call.node-recovered node.recovered succeeded',
            'retries.retry run.results skipped',
            'retries.recovered run.recovered succeeded',
          ],
        ),
      ],
    },
    {
      title: 'A dbt Cloud job fails, and its webhooks are lost. A sweep finds the run; on-call is paged once',
      steps: [
        starts('30001'),
        atDbt('the run fails', failsUnheard, ['job.run.errored lost', 'job.run.completed lost']),
        sweepAfter(3, 'the API of dbt Cloud, three minutes later', [
          ...attemptsFor('run.failed', 'failed'),
          ...attemptsForEnd('failed'),
          'on-call.node-failed node.failed succeeded',
        ]),
      ],
    },
    {
      title: 'A run is canceled. dbt Cloud sends no webhook about it; a sweep finds it',
      steps: [
        starts('30002'),
        atDbt('the run is canceled', () => runOf('30002').cancel(), []),
        sweepAfter(11, 'the API of dbt Cloud, eleven minutes later', [
          ...attemptsFor('run.canceled', 'canceled'),
          ...attemptsForEnd('canceled'),
        ]),
        sweepAfter(5, 'the API once more, five minutes later', []),
      ],
    },
  ];
}
