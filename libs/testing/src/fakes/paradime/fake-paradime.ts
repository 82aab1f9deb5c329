import type { Clock } from 'nestjs-runhooks';
import { requireKnownOptions, systemClock } from 'nestjs-runhooks/internal';
import { FAKE_LIMITS } from '../../limits.js';
import type { FakeCall } from '../fake-call.js';
import type { FakeFaults } from '../fake-faults.js';
import { Faults } from '../faults.js';
import { jsonResponse, LoopbackServer } from '../loopback-server.js';
import type { FakeWebhook } from '../fake-webhook.js';
import { WebhookOutbox } from '../webhook-outbox.js';
import { BoltWorkspace } from './bolt-workspace.js';
import type { FakeBoltRun } from './fake-bolt-run.js';
import type { FakeBoltSchedule, FakeBoltScheduleOptions } from './fake-bolt-schedule.js';
import type { FakeBoltSubscription, FakeBoltSubscriptionOptions } from './fake-bolt-subscription.js';
import type { FakeParadimeCredential, FakeParadimeCredentials } from './fake-paradime-credential.js';
import { ParadimeApi } from './paradime-api.js';

/** Options for {@link fakeParadime}. */
export interface FakeParadimeOptions {
  /** Clock of the fake, for example the {@link ManualClock} of the app. @default the system's clock */
  readonly clock?: Clock;
  /** @default { name: 'analytics', uid: 'n0sg8br1m44k0ryj' } */
  readonly workspace?: { readonly name: string; readonly uid: string };
  /** @default two tokens of the workspace */
  readonly credentials?: FakeParadimeCredentials;
}

/** The option `api` of `paradime`, for a fake. */
export type FakeParadimeApiOptions = {
  readonly endpoint: string;
  /** Uid of the workspace. */
  readonly workspace: string;
  /** Host of presigned URLs, which is a private address. */
  readonly artifactHosts: readonly string[];
} & FakeParadimeCredential;

/** Fake of Paradime with one workspace. */
export interface FakeParadime {
  /** Faults to switch on. */
  readonly faults: FakeFaults;
  /** Calls that the API received, and downloads of files, the oldest first. */
  readonly calls: readonly FakeCall[];
  /** Webhooks of all subscriptions, the oldest first. */
  readonly webhooks: readonly FakeWebhook[];
  /** All runs, also those that were started through the API, the oldest first. */
  readonly runs: readonly FakeBoltRun[];
  /** Adds a schedule. */
  schedule(options: FakeBoltScheduleOptions): FakeBoltSchedule;
  /** Subscribes a URL to webhooks. */
  subscribe(options: FakeBoltSubscriptionOptions): FakeBoltSubscription;
  /** Sends the webhooks and retries whose time has come, by the clock. The fake does this only when you call it. */
  sendDue(): Promise<void>;
  /**
   * Returns the option `api` of a source: `paradime({ name: 'bolt', secrets: [secret], api: fake.options() })`.
   *
   * @param right which credential to use. @default 'act', or 'read' if only that exists
   * @throws RangeError if the fake has no credential with this right
   */
  options(right?: 'read' | 'act'): FakeParadimeApiOptions;
  /** Stops the server. */
  close(): Promise<void>;
}

const OPTIONS = { clock: true, workspace: true, credentials: true } satisfies Record<keyof FakeParadimeOptions, true>;
const WORKSPACE = { name: 'analytics', uid: 'n0sg8br1m44k0ryj' };
const CREDENTIALS = { read: { token: 'prdm_wsp_fake_read' }, act: { token: 'prdm_wsp_fake_act' } };

/**
 * Starts a fake of Paradime on a free port of 127.0.0.1: its GraphQL API, and webhooks that it signs and sends to your app.
 * It refuses operations, fields and arguments that are not documented.
 *
 * ```ts
 * const bolt = await fakeParadime({ clock });
 * const schedule = bolt.schedule({ name: 'nightly-run' });
 * bolt.subscribe({ url: `${await app.getUrl()}/webhooks/paradime` });
 * const run = await schedule.run();
 * await run.fail({ command: 'dbt run' });
 * await bolt.close();
 * ```
 *
 * @throws ConfigurationError for an unknown option
 */
export async function fakeParadime(options: FakeParadimeOptions = {}): Promise<FakeParadime> {
  requireKnownOptions('fakeParadime', options, OPTIONS);
  const { clock = systemClock, workspace: names = WORKSPACE, credentials = CREDENTIALS } = options;
  requireKnownOptions('fakeParadime({ credentials })', credentials, CREDENTIALS);
  const faults = new Faults(clock);
  const outbox = new WebhookOutbox(clock, faults, FAKE_LIMITS.paradimeWebhookRetryDelaysMs);
  const workspace = new BoltWorkspace({ ...names, clock, faults, outbox });
  const api = new ParadimeApi(workspace, credentials);
  const server = await LoopbackServer.open({
    clock,
    faults,
    respond: (request) => api.respond(request),
    tooMany: jsonResponse(429, { detail: 'Too Many Requests' }),
  });
  workspace.origin = server.url;
  return fakeOf(workspace, outbox, server, credentials);
}

function fakeOf(
  workspace: BoltWorkspace,
  outbox: WebhookOutbox,
  server: LoopbackServer,
  credentials: FakeParadimeCredentials,
): FakeParadime {
  return {
    faults: workspace.faults,
    calls: server.calls,
    get webhooks() {
      return outbox.webhooks;
    },
    get runs() {
      return [...workspace.runs.values()];
    },
    schedule: (options) => workspace.addSchedule(options),
    subscribe: (options) => workspace.subscribe(options),
    sendDue: () => outbox.sendDue(),
    options: (right = credentials.act === undefined ? 'read' : 'act') => {
      const credential = credentials[right];
      if (credential === undefined) throw new RangeError(`fakeParadime: expected a credential with the right ${right}`);
      return { endpoint: workspace.apiUrl, workspace: workspace.uid, artifactHosts: ['127.0.0.1'], ...credential };
    },
    close: async () => {
      await outbox.idle();
      await server.close();
    },
  };
}
