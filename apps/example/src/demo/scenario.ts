import type { MessageState, RunEventType } from 'nestjs-runhooks';
import { signDbtCloud, signParadime, type SignedWebhook } from 'nestjs-runhooks/testing';
import { sample, sampleOfRun } from './sample.js';

/** One webhook and its expected results. */
export interface Step {
  readonly title: string;
  readonly source: 'dbt' | 'paradime';
  readonly webhook: Pick<SignedWebhook, 'body' | 'headers'>;
  readonly answer: `${number} ${string}`;
  /** State of the stored message; omitted if no new message is stored. */
  readonly state?: MessageState;
  /** Every attempt as `<handler> <event type> <outcome>`, in any order. */
  readonly attempts: readonly string[];
}

export interface Chapter {
  readonly title: string;
  readonly steps: readonly Step[];
}

export interface Secrets {
  readonly dbt: string;
  readonly paradime: string;
}

type Outcome = 'succeeded' | 'failed' | 'canceled';

/** Returns the attempts of the example's handlers for an event of a run. */
export function attemptsFor(type: RunEventType, runStatus: Outcome | 'running'): string[] {
  const attempts = [`run-audit.count ${type} succeeded`];
  if (type === 'run.started' || type === 'run.completed') attempts.push(`run-board.update ${type} succeeded`);
  if (type === 'run.failed') attempts.push(`on-call.page ${type} succeeded`);
  if (type === 'run.completed') {
    attempts.push(`dashboards.refresh ${type} ${runStatus === 'succeeded' ? 'succeeded' : 'skipped'}`);
  }
  return attempts;
}

/** Returns the attempts for the end of a run of dbt Cloud, whose results are read. */
export function attemptsForEnd(runStatus: Outcome): string[] {
  return [
    ...attemptsFor('run.completed', runStatus),
    'runhooks.results:dbt run.completed succeeded',
    'run-board.results run.results succeeded',
  ];
}

const DBT_COMPLETED = 'dbt-versions.note message.received succeeded';

/** Returns every webhook of the demo in the order of sending. */
export function scenario({ dbt, paradime }: Secrets): Chapter[] {
  const fromDbt = (title: string, body: string | Buffer, attempts: readonly string[]): Step => ({
    title,
    source: 'dbt',
    webhook: signDbtCloud(body, dbt),
    answer: '200 accepted',
    state: 'parsed',
    attempts,
  });
  const started = (title: string, body: string | Buffer) => fromDbt(title, body, attemptsFor('run.started', 'running'));
  const errored = (title: string, body: string | Buffer) => fromDbt(title, body, attemptsFor('run.failed', 'failed'));
  const succeeded = (title: string, body: string | Buffer, more: readonly string[] = []) =>
    fromDbt(title, body, [
      ...attemptsFor('run.succeeded', 'succeeded'),
      ...attemptsForEnd('succeeded'),
      DBT_COMPLETED,
      ...more,
    ]);
  const fromParadime = (title: string, fixture: string, attempts: readonly string[]): Step => ({
    title,
    source: 'paradime',
    webhook: signParadime(sample(fixture), { secret: paradime }),
    answer: '200 accepted',
    state: 'parsed',
    attempts,
  });

  return [
    {
      title: 'A dbt Cloud job runs. The BI tool is asleep, so only one handler is retried',
      steps: [
        started('job.run.started', sample('dbt-cloud/11-started.json')),
        succeeded('job.run.completed, Success', sample('dbt-cloud/12-completed.json'), [
          'dashboards.refresh run.completed failed',
        ]),
      ],
    },
    {
      title: 'A dbt Cloud job fails. dbt reports it twice; on-call is paged once',
      steps: [
        errored('job.run.errored', sampleOfRun('dbt-cloud/13-errored.json', '20001')),
        fromDbt(
          'job.run.completed, Errored, same run',
          sampleOfRun(
            'dbt-cloud/13-errored.json',
            '20001',
            { eventType: 'job.run.completed', eventId: 'wev_demo20001again' },
            { runErroredAt: undefined, runFinishedAt: '2023-01-31T21:15:20Z' },
          ),
          [...attemptsForEnd('failed'), DBT_COMPLETED],
        ),
      ],
    },
    {
      title: 'Paradime: a run starts (its status is "failed", but its form is a start), and another run fails',
      steps: [
        fromParadime('run started', 'paradime/run-started.json', attemptsFor('run.started', 'running')),
        fromParadime('run completed, a command failed', 'paradime/run-completed-failed.json', [
          ...attemptsFor('run.failed', 'failed'),
          ...attemptsFor('run.completed', 'failed'),
        ]),
      ],
    },
    {
      title: 'Rejected requests and duplicates',
      steps: [
        {
          title: 'the same message, resent',
          source: 'dbt',
          webhook: signDbtCloud(sample('dbt-cloud/12-completed.json'), dbt),
          answer: '200 duplicate',
          attempts: [],
        },
        {
          title: 'signed with another secret',
          source: 'dbt',
          webhook: signDbtCloud(sample('dbt-cloud/12-completed.json'), `${dbt}x`),
          answer: '401 signature-mismatch',
          attempts: [],
        },
        {
          title: 'signed with another secret',
          source: 'paradime',
          webhook: signParadime(sample('paradime/run-started.json'), { secret: { utf8: 'another secret' } }),
          answer: '401 signature-mismatch',
          attempts: [],
        },
        {
          title: 'a lifecycle event of 2021, which dbt did not sign',
          source: 'dbt',
          webhook: {
            body: sample('dbt-cloud/01-2021-lifecycle-running.json'),
            headers: { 'content-type': 'application/json', 'x-webhook-payload-version': 'v0' },
          },
          answer: '401 missing-header',
          attempts: [],
        },
        {
          ...fromDbt('invalid JSON with a valid signature: kept for inspection', '{"eventId": "wev_demo', []),
          state: 'quarantined',
        },
        {
          ...fromDbt('as the "Test Endpoint" button may send it', '{"eventId":"wev_demoTest","accountId":1}', []),
          state: 'test',
        },
      ],
    },
    {
      title: 'Older and other forms of dbt Cloud payloads',
      steps: [
        started('2022 draft, job.run.started', sampleOfRun('dbt-cloud/02-2022-started.json', '20002')),
        fromDbt('2022 draft, job.run.canceled', sampleOfRun('dbt-cloud/03-2022-canceled.json', '20003'), [
          ...attemptsFor('run.canceled', 'canceled'),
          ...attemptsForEnd('canceled'),
        ]),
        succeeded('2022 draft, job.run.completed', sampleOfRun('dbt-cloud/04-2022-completed.json', '20004')),
        started('2023 beta, job.run.started', sampleOfRun('dbt-cloud/05-beta-started.json', '20005')),
        succeeded(
          '2023 beta, job.run.completed',
          sampleOfRun('dbt-cloud/06-beta-completed.json', '20005', { eventId: 'wev_demo20005again' }),
        ),
        errored('2023 beta, job.run.errored', sampleOfRun('dbt-cloud/07-beta-errored.json', '20006')),
        started('2023, job.run.started', sampleOfRun('dbt-cloud/08-2023-started.json', '20007')),
        succeeded(
          '2023, job.run.completed',
          sampleOfRun('dbt-cloud/09-2023-completed.json', '20007', { eventId: 'wev_demo20007again' }),
        ),
        errored('2023, job.run.errored', sampleOfRun('dbt-cloud/10-2023-errored.json', '20008')),
        succeeded('captured in May 2023, job.run.completed', sample('dbt-cloud/14-captured-completed.json')),
        errored('in the documentation of Spike, job.run.errored', sample('dbt-cloud/18-spike-errored.json')),
        succeeded('in the documentation of Spike, job.run.completed', sample('dbt-cloud/19-spike-completed.json')),
      ],
    },
  ];
}
