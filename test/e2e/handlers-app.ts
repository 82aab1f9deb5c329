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
  /** Changes to the testing module before it is compiled, as a host's test makes them. */
  readonly override?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
  /** Setup code of the host's main.ts. */
  readonly main?: (app: INestApplication) => unknown;
}

/** A logger that keeps the level and message of each line. */
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

/** Closes all apps a test started. Pass it to `afterEach`. */
export async function closeApps(): Promise<void> {
  const apps = [...running];
  running.clear();
  await Promise.all(apps.map((app) => app.close()));
}

/** Returns options for an app with a dbt and a Paradime source that runs handlers only when the test asks for it. */
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

/** Starts an app with the providers and controllers of a test. Rejects if the startup fails. */
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

/** Returns the error that makes the startup fail. */
export async function startupError(setup: HandlersSetup): Promise<Error> {
  const outcome = await startHandlers(setup).catch((error: unknown) => error);
  if (outcome instanceof Error) return outcome;
  throw new Error('the app booted');
}

/** The outcome of one delivery as `handler attempts state`, for example `OnCall.page 1 succeeded`. */
export type Outcome = string;

export class HandlersApp {
  constructor(
    readonly app: INestApplication,
    readonly clock: ManualClock,
    readonly log: Log,
  ) {}

  /** Sends a dbt Cloud webhook and runs all work that follows from it. */
  async dbt(options: DbtCloudWebhookOptions = {}): Promise<void> {
    await this.send('dbt', dbtCloudWebhook({ now: this.clock.now(), ...options }));
  }

  /** Sends a Paradime webhook and runs all work that follows from it. */
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

  /** Advances the clock until every retry is due, and runs all work that is due then. */
  async later(ms = 24 * 60 * 60 * 1_000): Promise<void> {
    this.clock.advance(ms);
    await this.idle();
  }

  /** Returns the outcome of every delivery, sorted by handler. */
  async outcomes(): Promise<Outcome[]> {
    const { items } = await this.app.get(Inbox).deliveries();
    return items.map(({ handlerId, attempts, state }) => `${handlerId} ${attempts} ${state}`).sort();
  }

  /** Returns the errors of a handler's attempts as `name: message`, from first to last. */
  async errors(handlerId: string): Promise<string[]> {
    const inbox = this.app.get(Inbox);
    const { items } = await inbox.deliveries({ handlerId });
    const attempts = await Promise.all(items.map(({ id }) => inbox.attempts(id)));
    return attempts.flat().flatMap(({ error }) => (error ? [`${error.name}: ${error.message}`] : []));
  }
}
