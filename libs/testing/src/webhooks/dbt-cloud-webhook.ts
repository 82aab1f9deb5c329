import { randomInt } from 'node:crypto';
import { checkWebhookOptions } from './check-webhook-options.js';
import { overridePayload, type PayloadOverride } from './payload-override.js';
import { randomKsuid, randomRunNumber } from './random-ids.js';
import { signDbtCloud } from './sign-dbt-cloud.js';
import type { SignedWebhook } from './signed-webhook.js';

/**
 * Message of dbt Cloud: `failed` is the early `job.run.errored`, and `completed-failed` the `job.run.completed` that follows.
 * dbt Cloud currently sends no message for a canceled run; `canceled` is a `job.run.completed` with status code 30.
 */
export type DbtCloudTestEvent = 'started' | 'succeeded' | 'failed' | 'completed-failed' | 'canceled';

/** Options for {@link dbtCloudWebhook}. */
export interface DbtCloudWebhookOptions {
  /** Message to build. @default 'succeeded' */
  readonly event?: DbtCloudTestEvent;
  /** Changes to the payload. Several webhooks with `payload: { data: { runId: '42' } }` are about one run. */
  readonly payload?: PayloadOverride;
  /** Secret that signs the webhook. @default TEST_SECRETS.dbtCloud */
  readonly secret?: string;
  /** Time of the message; the times of the run are shortly before it. @default now */
  readonly now?: Date;
}

const EVENTS = {
  started: true,
  succeeded: true,
  failed: true,
  'completed-failed': true,
  canceled: true,
} satisfies Record<DbtCloudTestEvent, true>;

const OPTIONS = {
  event: true,
  payload: true,
  secret: true,
  now: true,
} satisfies Record<keyof DbtCloudWebhookOptions, true>;

/** Duration of a run. */
const RUN_SECONDS = 90;

/**
 * Returns a signed webhook in dbt Cloud's current form (https://docs.getdbt.com/docs/deploy/webhooks). Each call creates
 * a new message (`eventId`) about a new run (`data.runId`) of the same job.
 *
 * ```ts
 * await sendWebhook(app, '/webhooks/dbt', dbtCloudWebhook({ event: 'failed' }));
 * ```
 *
 * @throws ConfigurationError for an unknown option or event
 */
export function dbtCloudWebhook(options: DbtCloudWebhookOptions = {}): SignedWebhook {
  checkWebhookOptions('dbtCloudWebhook', options, EVENTS, OPTIONS);
  const { event = 'succeeded', payload = {}, secret, now = new Date() } = options;
  return signDbtCloud(JSON.stringify(overridePayload(payloadOf(event, now), payload)), secret);
}

function payloadOf(event: DbtCloudTestEvent, now: Date): PayloadOverride {
  const { eventType, ...ofRun } = factsOf(event, secondsOf(now));
  return {
    accountId: 43786,
    eventId: randomKsuid('wev'),
    // dbt Cloud sends nanoseconds.
    timestamp: now.toISOString().replace('Z', `${randomInt(100_001, 999_999)}Z`),
    eventType,
    webhookId: 'wsu_2nQx8YbKfJ4tL0mZr6VdS1hWcEa',
    webhookName: 'Runhooks test',
    data: {
      jobId: '512049',
      jobName: 'nightly-build',
      runId: String(randomRunNumber()),
      environmentId: '218762',
      environmentName: 'Production',
      dbtVersion: '2025.9.30+21d3fd7',
      projectName: 'analytics',
      projectId: '301284',
      runStatusMessage: 'None',
      runReason: 'Kicked off by the scheduler',
      runStartedAt: secondsOf(now, -RUN_SECONDS),
      ...ofRun,
    },
  };
}

function factsOf(event: DbtCloudTestEvent, endedAt: string): { eventType: string } & PayloadOverride {
  switch (event) {
    case 'started':
      return { eventType: 'job.run.started', runStatus: 'Running', runStatusCode: 3 };
    case 'succeeded':
      return { eventType: 'job.run.completed', runStatus: 'Success', runStatusCode: 10, runFinishedAt: endedAt };
    case 'failed':
      return { eventType: 'job.run.errored', runStatus: 'Errored', runStatusCode: 20, runErroredAt: endedAt };
    case 'completed-failed':
      return { eventType: 'job.run.completed', runStatus: 'Errored', runStatusCode: 20, runFinishedAt: endedAt };
    case 'canceled':
      return { eventType: 'job.run.completed', runStatus: 'Cancelled', runStatusCode: 30, runFinishedAt: endedAt };
  }
}

/** Formats a time of the run, without fractions of a second. */
function secondsOf(now: Date, plusSeconds = 0): string {
  return new Date(now.getTime() + plusSeconds * 1_000).toISOString().replace(/\.\d+Z$/, 'Z');
}
