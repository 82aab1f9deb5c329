import type { DynamicModule, INestApplication, LoggerService, ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { Inbox, WebhooksModule, type WebhooksOptions } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import {
  dbtCloudWebhook,
  ManualClock,
  memoryInbox,
  paradimeWebhook,
  sendWebhook,
  TEST_SECRETS,
  waitUntilIdle,
  type DbtCloudWebhookOptions,
  type ParadimeWebhookOptions,
} from 'nestjs-runhooks/testing';

export interface HandlersSetup extends ModuleMetadata {
  readonly webhooks?: Partial<WebhooksOptions>;
  /** What a host's test does before it compiles. */
  readonly override?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
  /** What the host does in main.ts. */
  readonly main?: (app: INestApplication) => unknown;
}

/** What the app logged: level and message. */
class Log implements LoggerService {
  readonly lines: string[] = [];

  debug = (message: unknown): unknown => this.lines.push(`debug ${String(message)}`);
  log = (message: unknown): unknown => this.lines.push(`log ${String(message)}`);
  warn = (message: unknown): unknown => this.lines.push(`warn ${String(message)}`);
  error = (message: unknown): unknown => this.lines.push(`error ${String(message)}`);

  containing(part: string): string[] {
    return this.lines.filter((line) => line.includes(part));
  }
}

const running = new Set<INestApplication>();

/** For `afterEach`. */
export async function closeApps(): Promise<void> {
  const apps = [...running];
  running.clear();
  await Promise.all(apps.map((app) => app.close()));
}

/** Options for an app that gets webhooks of dbt and Paradime and runs handlers when it is told to. */
export function webhooksOptions(more: Partial<WebhooksOptions> = {}): WebhooksOptions {
  return {
    sources: [
      dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] }),
      paradime({ name: 'paradime', secrets: [TEST_SECRETS.paradime] }),
    ],
    inbox: memoryInbox(),
    dispatch: 'manual',
    ...more,
  };
}

/** An app with the providers and controllers of a test. Rejects as its boot does. */
export async function startHandlers(setup: HandlersSetup): Promise<HandlersApp> {
  const { webhooks, override = (builder) => builder, main, ...metadata } = setup;
  const clock = new ManualClock();
  const log = new Log();
  const root: DynamicModule = {
    module: class AppModule {},
    ...metadata,
    imports: [WebhooksModule.forRoot(webhooksOptions({ clock, ...webhooks })), ...(metadata.imports ?? [])],
  };
  const testing = await override(Test.createTestingModule({ imports: [root] }).setLogger(log)).compile();
  const app = testing.createNestApplication<INestApplication>();
  running.add(app);
  await main?.(app);
  await app.init();
  return new HandlersApp(app, clock, log);
}

/** The error an app's boot ends with. */
export async function bootError(setup: HandlersSetup): Promise<Error> {
  const outcome = await startHandlers(setup).catch((error: unknown) => error);
  if (outcome instanceof Error) return outcome;
  throw new Error('the app booted');
}

/** What became of one delivery: `handler attempts state`, for example `OnCall.page 1 succeeded`. */
export type Outcome = string;

export class HandlersApp {
  constructor(
    readonly app: INestApplication,
    readonly clock: ManualClock,
    readonly log: Log,
  ) {}

  /** Sends a webhook of dbt Cloud and runs what follows from it. */
  async dbt(options: DbtCloudWebhookOptions = {}): Promise<void> {
    await this.send('dbt', dbtCloudWebhook({ now: this.clock.now(), ...options }));
  }

  /** Sends a webhook of Paradime and runs what follows from it. */
  async paradime(options: ParadimeWebhookOptions = {}): Promise<void> {
    await this.send('paradime', paradimeWebhook({ now: this.clock.now(), ...options }));
  }

  async send(source: string, webhook: Parameters<typeof sendWebhook>[2]): Promise<void> {
    const { status, body } = await sendWebhook(this.app, `/webhooks/${source}`, webhook);
    if (status !== 200) throw new Error(`answered ${status} ${JSON.stringify(body)}`);
    await this.idle();
  }

  async idle(): Promise<void> {
    await waitUntilIdle(this.app);
  }

  /** Lets a time pass in which every retry becomes due, and runs what is due then. */
  async later(ms = 24 * 60 * 60 * 1_000): Promise<void> {
    this.clock.advance(ms);
    await this.idle();
  }

  /** What became of every delivery, by handler. */
  async outcomes(): Promise<Outcome[]> {
    const { items } = await this.app.get(Inbox).deliveries();
    return items.map(({ handlerId, attempts, state }) => `${handlerId} ${attempts} ${state}`).sort();
  }

  /** The errors of a handler's attempts, first to last: `name: message`. */
  async errors(handlerId: string): Promise<string[]> {
    const inbox = this.app.get(Inbox);
    const { items } = await inbox.deliveries({ handlerId });
    const attempts = await Promise.all(items.map(({ id }) => inbox.attempts(id)));
    return attempts.flat().flatMap(({ error }) => (error ? [`${error.name}: ${error.message}`] : []));
  }
}
