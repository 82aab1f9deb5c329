import { checkWebhookOptions } from './check-webhook-options.js';
import { paradimeCommands } from './paradime-commands.js';
import { dttm } from './paradime-dttm.js';
import { overridePayload, type PayloadOverride } from './payload-override.js';
import { randomRunNumber } from './random-ids.js';
import { signParadime, type ParadimeSignatureOptions } from './sign-paradime.js';
import type { SignedWebhook } from './signed-webhook.js';

/** Message of Paradime: `started` is `bolt.run.started`, the others are `bolt.run.completed`. */
export type ParadimeTestEvent = 'started' | 'succeeded' | 'failed' | 'canceled';

/** Options for {@link paradimeWebhook}. */
export interface ParadimeWebhookOptions extends ParadimeSignatureOptions {
  /** Message to build. @default 'succeeded' */
  readonly event?: ParadimeTestEvent;
  /** Changes to the payload. Several webhooks with `payload: { id: 42 }` are about one run. */
  readonly payload?: PayloadOverride;
}

const EVENTS = {
  started: true,
  succeeded: true,
  failed: true,
  canceled: true,
} satisfies Record<ParadimeTestEvent, true>;

const OPTIONS = {
  event: true,
  payload: true,
  secret: true,
  now: true,
  id: true,
  family: true,
} satisfies Record<keyof ParadimeWebhookOptions, true>;

/** Duration of a run. */
const RUN_SECONDS = 90;

/**
 * Returns a signed webhook of Paradime's Bolt scheduler
 * (https://docs.paradime.io/app-help/developers/webhooks/getting-started). Each call creates a new message (`webhook-id`)
 * about a new run (`id`) of the same schedule.
 *
 * ```ts
 * await sendWebhook(app, '/webhooks/paradime', paradimeWebhook({ event: 'failed', payload: { id: 42 } }));
 * ```
 *
 * @throws ConfigurationError for an unknown option or event
 */
export function paradimeWebhook(options: ParadimeWebhookOptions = {}): SignedWebhook {
  checkWebhookOptions('paradimeWebhook', options, EVENTS, OPTIONS);
  const { event = 'succeeded', payload = {}, now = new Date(), ...signature } = options;
  return signParadime(JSON.stringify(overridePayload(payloadOf(event, now), payload)), { ...signature, now });
}

function payloadOf(event: ParadimeTestEvent, now: Date): PayloadOverride {
  const id = randomRunNumber();
  return {
    api_url: 'https://api.paradime.io/api/v1/runhookstest/graphql',
    ...(event !== 'started' && { commands: paradimeCommands(event, now), end_dttm: dttm(now), error_string: null }),
    environment: {
      actor: 'Scheduler',
      branch: 'main',
      commit_hash: '54a134583ef6dccbe154e30e1cd09a9d94b6bda0',
      email: null,
    },
    id,
    run_url: `https://app.paradime.io/bolt/run_id/${id}`,
    schedule: {
      commands: ['dbt seed', 'dbt run'],
      deferred_schedule: null,
      email_notify: ['data@acme.example'],
      email_on: ['passed', 'failed'],
      environment: 'production',
      git_branch: null,
      hightouch: null,
      name: 'nightly-run',
      owner_email: 'data@acme.example',
      schedule: '@daily',
      slack_notify: ['data-alerts'],
      slack_on: ['passed', 'failed'],
      turbo_ci: null,
    },
    schedule_name: 'nightly-run',
    start_dttm: dttm(now, -RUN_SECONDS),
    status: event === 'started' ? 'running' : event,
    uuid: 'a7e76080-b371-369f-a93f-4a4969617ab6',
    workspace: { name: 'analytics', uid: 'n0sg8br1m44k0ryj' },
  };
}
