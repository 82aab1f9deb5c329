import type { Clock } from 'nestjs-runhooks';
import { ConfigurationError, TEST_SECRETS } from 'nestjs-runhooks/core';
import { requireKnownOptions, systemClock } from 'nestjs-runhooks/internal';
import type { FakeCall } from '../fake-call.js';
import type { FakeFaults } from '../fake-faults.js';
import { Faults } from '../faults.js';
import { LoopbackServer } from '../loopback-server.js';
import { FAKE_LIMITS } from '../../limits.js';
import type { FakeWebhook } from '../fake-webhook.js';
import { WebhookOutbox } from '../webhook-outbox.js';
import { DbtAccount } from './dbt-account.js';
import { respondToDbtCall, type DbtTokens } from './dbt-api.js';
import type { FakeDbtRight } from './dbt-routes.js';
import { MESSAGE_TYPES } from './dbt-subscription.js';
import type { FakeDbtJob, FakeDbtJobOptions } from './fake-dbt-job.js';
import type { FakeDbtRun } from './fake-dbt-run.js';
import type { FakeDbtSubscription, FakeDbtSubscriptionOptions } from './fake-dbt-subscription.js';
import { Refused } from './refused.js';

/** Options for {@link fakeDbtCloud}. */
export interface FakeDbtCloudOptions {
  /** Clock of the fake, for example the {@link ManualClock} of the app. @default the system's clock */
  readonly clock?: Clock;
  /** Id of the account, in digits. @default '43786' */
  readonly accountId?: string;
  /**
   * Tokens by right. `read` sees jobs and runs, `act` also starts and cancels runs, and `webhooks` sees and changes
   * subscriptions only. One token for several rights has all of them. @default three tokens
   */
  readonly tokens?: Readonly<Partial<Record<FakeDbtRight, string>>>;
  /** Calls within a minute after which the cooldown begins. @default 5000, as dbt Cloud documents for an account */
  readonly callsPerMinute?: number;
}

/** The option `api` of `dbtCloud`, for a fake. */
export interface FakeDbtApiOptions {
  readonly baseUrl: string;
  readonly accountId: string;
  readonly readToken?: string;
  readonly actToken?: string;
  readonly webhooksToken?: string;
}

/** Fake of dbt Cloud with one account. */
export interface FakeDbtCloud {
  /** Faults to switch on. */
  readonly faults: FakeFaults;
  /** Calls that the API received, the oldest first. */
  readonly calls: readonly FakeCall[];
  /** Webhooks of all subscriptions, the oldest first. */
  readonly webhooks: readonly FakeWebhook[];
  /** All runs, also those that were started through the API, the oldest first. */
  readonly runs: readonly FakeDbtRun[];
  /** Adds a job. */
  job(options: FakeDbtJobOptions): FakeDbtJob;
  /** Subscribes a URL to webhooks. */
  subscribe(options: FakeDbtSubscriptionOptions): FakeDbtSubscription;
  /** Sends the webhooks and retries whose time has come, by the clock. The fake does this only when you call it. */
  sendDue(): Promise<void>;
  /** Returns the option `api` of a source: `dbtCloud({ name: 'dbt', secrets: [secret], api: fake.options() })`. */
  options(): FakeDbtApiOptions;
  /** Stops the server. */
  close(): Promise<void>;
}

const OPTIONS = {
  clock: true,
  accountId: true,
  tokens: true,
  callsPerMinute: true,
} satisfies Record<keyof FakeDbtCloudOptions, true>;
const TOKENS = { read: 'fake-read-token', act: 'fake-act-token', webhooks: 'fake-webhooks-token' };

/**
 * Starts a fake of dbt Cloud on a free port of 127.0.0.1: its Admin API, and webhooks that it signs and sends to your app.
 * It refuses what the provider refuses, and takes no call that it does not know.
 *
 * ```ts
 * const dbt = await fakeDbtCloud({ clock });
 * const job = dbt.job({ name: 'nightly-build' });
 * dbt.subscribe({ url: `${await app.getUrl()}/webhooks/dbt` });
 * const run = await job.run();
 * await run.fail({ message: 'dbt command failed' });
 * await dbt.close();
 * ```
 *
 * @throws ConfigurationError for an invalid option
 */
export async function fakeDbtCloud(options: FakeDbtCloudOptions = {}): Promise<FakeDbtCloud> {
  requireKnownOptions('fakeDbtCloud', options, OPTIONS);
  const { clock = systemClock, accountId = '43786', tokens = TOKENS } = options;
  const { callsPerMinute = FAKE_LIMITS.dbtCallsPerMinute } = options;
  if (!/^[1-9]\d{0,14}$/.test(accountId)) {
    throw new ConfigurationError('fakeDbtCloud({ accountId })', `expected digits, got ${JSON.stringify(accountId)}`);
  }
  requireKnownOptions('fakeDbtCloud({ tokens })', tokens, TOKENS);
  const faults = new Faults(clock);
  const outbox = new WebhookOutbox(clock, faults, FAKE_LIMITS.dbtWebhookRetryDelaysMs);
  const account = new DbtAccount({ id: accountId, clock, faults, outbox });
  const server = await LoopbackServer.open({
    clock,
    faults,
    respond: (request) => respondToDbtCall(account, tokens, request),
    tooMany: new Refused(429, 'Too many requests.').toResponse(),
    callsPerMinute,
  });
  return fakeOf(account, outbox, server, tokens);
}

function fakeOf(
  account: DbtAccount,
  outbox: WebhookOutbox,
  server: LoopbackServer,
  { read, act, webhooks }: DbtTokens,
): FakeDbtCloud {
  const baseUrl = server.url;
  return {
    faults: account.faults,
    calls: server.calls,
    get webhooks() {
      return outbox.webhooks;
    },
    get runs() {
      return [...account.runs.values()];
    },
    job: (options) => account.addJob(options),
    subscribe: ({ url, secret = TEST_SECRETS.dbtCloud, jobs = [], types = MESSAGE_TYPES, name = 'Runhooks' }) =>
      account.addSubscription({ name, description: '', url, types, jobIds: jobs.map(({ id }) => id) }, secret),
    sendDue: () => outbox.sendDue(),
    options: () => ({
      baseUrl,
      accountId: account.id,
      ...(read !== undefined && { readToken: read }),
      ...(act !== undefined && { actToken: act }),
      ...(webhooks !== undefined && { webhooksToken: webhooks }),
    }),
    close: async () => {
      await outbox.idle();
      await server.close();
    },
  };
}
