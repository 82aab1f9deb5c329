import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Body,
  Controller,
  Injectable,
  Post,
  type DynamicModule,
  type INestApplication,
  type LoggerService,
  type ModuleMetadata,
  type NestApplicationOptions,
} from '@nestjs/common';
import { NestApplication, NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { OnRun, WEBHOOKS_STORE, WebhooksModule, type RunEvent, type WebhooksOptions } from 'nestjs-runhooks';
import type { Entry, Recording, Store, StoreFactory } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import {
  dbtCloudWebhook,
  memoryInbox,
  TEST_SECRETS,
  waitUntilIdle,
  type DbtCloudWebhookOptions,
  type SignedWebhook,
} from 'nestjs-runhooks/testing';
import { exchange, RawConnection, type HttpResponse, type HttpRequest } from './http-client.js';

/** The HTTP adapters on which every HTTP test runs. */
export const ADAPTERS = ['express', 'fastify'] as const;
export type AdapterName = (typeof ADAPTERS)[number];

export const isNest12 = 'enableCsrfProtection' in NestApplication.prototype;

export const DBT = '/webhooks/dbt';
export const PARADIME = '/webhooks/paradime';

/** A string for payload content, which must appear in no response and no log line. */
export const CONTENT = 'content-for-handlers-only';

/** Returns a signed dbt Cloud webhook whose strings, except the job's name, are {@link CONTENT}. */
export function dbtWebhook(options: DbtCloudWebhookOptions = {}): SignedWebhook {
  const { data, ...payload } = { data: {}, ...options.payload };
  return dbtCloudWebhook({
    ...options,
    payload: {
      webhookName: CONTENT,
      ...payload,
      data: { projectName: CONTENT, runReason: CONTENT, ...(data as object) },
    },
  });
}

@Injectable()
export class Handled {
  readonly events: { type: string; source: string; runId: string }[] = [];

  @OnRun('run.started', 'run.succeeded', 'run.failed', 'run.canceled', 'run.completed', { id: 'handled' })
  add({ type, source, run }: RunEvent): void {
    this.events.push({ type, source, runId: run.id });
  }
}

/** A route of the host whose body is parsed by the host. */
@Controller('host')
export class HostController {
  @Post('echo')
  echo(@Body() body: unknown): { got: unknown } {
    return { got: body };
  }
}

/** A logger that keeps each line with all its arguments. */
export class LogLines implements LoggerService {
  readonly lines: string[] = [];

  log = (...parts: unknown[]): void => this.#add('log', parts);
  warn = (...parts: unknown[]): void => this.#add('warn', parts);
  error = (...parts: unknown[]): void => this.#add('error', parts);
  debug = (...parts: unknown[]): void => this.#add('debug', parts);
  fatal = (...parts: unknown[]): void => this.#add('fatal', parts);

  containing(part: string): string[] {
    return this.lines.filter((line) => line.includes(part));
  }

  #add(level: string, parts: readonly unknown[]): void {
    const texts = parts.map((one) => (one instanceof Error ? String(one.stack) : String(one)));
    this.lines.push(`${level} ${texts.join(' ')}`);
  }
}

export interface HttpSetup {
  /** Replaces the adapter that the setup would create. */
  readonly http?: AbstractHttpAdapter;
  readonly webhooks?: Partial<WebhooksOptions>;
  /** @default WebhooksModule.forRoot */
  readonly imported?: (options: WebhooksOptions) => DynamicModule;
  readonly module?: ModuleMetadata;
  readonly nest?: NestApplicationOptions;
  /** Setup code of the host's main.ts. */
  readonly main?: (app: INestApplication) => unknown;
  /** @default NestFactory.create */
  readonly create?: (
    module: DynamicModule,
    http: AbstractHttpAdapter,
    options: NestApplicationOptions,
  ) => Promise<INestApplication>;
  readonly log?: LogLines;
}

const running = new Set<HttpApp>();
const others = new Set<{ close(): Promise<void> }>();

/** Starts a listening app with a dbt and a Paradime source, set up as the test asks. */
export async function startApp(adapter: AdapterName, setup: HttpSetup = {}): Promise<HttpApp> {
  const { module = {}, nest, main, create = createByFactory, log = new LogLines() } = setup;
  const { imported = (options) => WebhooksModule.forRoot(options), http = newAdapter(adapter) } = setup;
  const recordings: Recording[] = [];
  const inbox = observed(setup.webhooks?.inbox ?? memoryInbox(), recordings);
  const root: DynamicModule = {
    module: class AppModule {},
    ...module,
    imports: [imported({ ...defaultOptions(), ...setup.webhooks, inbox }), ...(module.imports ?? [])],
    controllers: [HostController, ...(module.controllers ?? [])],
    providers: [Handled, ...(module.providers ?? [])],
  };
  const app = await create(root, http, { logger: log, abortOnError: false, ...nest });
  const httpApp = new HttpApp(app, log, recordings);
  running.add(httpApp);
  await main?.(app);
  await app.listen(0, '127.0.0.1');
  return httpApp;
}

/** Registers an app that the test created itself, so that it is closed after the test. */
export function closeLater<T extends { close(): Promise<void> }>(app: T): T {
  others.add(app);
  return app;
}

/** Closes all apps a test started and fails if a log line contains forbidden content. Pass it to `afterEach`. */
export async function closeApps(): Promise<void> {
  const apps = [...running];
  const closing = [...others, ...apps.map(({ app }) => app)];
  running.clear();
  others.clear();
  for (const app of apps) app.disconnect();
  await Promise.all(closing.map((app) => app.close()));
  for (const app of apps) app.checkSecrecy();
}

export function newAdapter(adapter: AdapterName): AbstractHttpAdapter {
  return adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter();
}

/** Returns the Express or Fastify instance of an app, as a host's main.ts uses it. */
export function instanceOf<T>(app: INestApplication): T {
  return app.getHttpAdapter().getInstance() as T;
}

function createByFactory(
  module: DynamicModule,
  http: AbstractHttpAdapter,
  options: NestApplicationOptions,
): Promise<INestApplication> {
  return NestFactory.create(module, http, options);
}

function defaultOptions(): Omit<WebhooksOptions, 'inbox'> {
  return {
    sources: [
      dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud] }),
      paradime({ name: 'paradime', secrets: [TEST_SECRETS.paradime] }),
    ],
    dispatch: 'manual',
  };
}

/** Returns the same inbox and keeps its recordings for the test. */
function observed(inbox: StoreFactory, recordings: Recording[]): StoreFactory {
  return {
    createStore(logger) {
      return new Proxy(inbox.createStore(logger), {
        get(store: Store, name: keyof Store) {
          const value: unknown = store[name];
          if (typeof value !== 'function') return value;
          return (...args: unknown[]): unknown => {
            if (name === 'record') recordings.push(...(args[0] as Entry[]).filter((entry) => 'messageId' in entry));
            return (value as (...args: unknown[]) => unknown).apply(store, args);
          };
        },
      });
    },
  };
}

export interface WebhookResponse extends HttpResponse {
  readonly body: { readonly status: string; readonly message: string; readonly id?: string };
}

export class HttpApp {
  readonly #recordings: readonly Recording[];
  readonly #secrets = new Set<string>([CONTENT, TEST_SECRETS.dbtCloud, TEST_SECRETS.paradime]);
  readonly #responses: string[] = [];
  readonly #connections: RawConnection[] = [];

  constructor(
    readonly app: INestApplication,
    readonly log: LogLines,
    recordings: readonly Recording[],
  ) {
    this.#recordings = recordings;
  }

  get port(): number {
    return ((this.app.getHttpServer() as Server).address() as AddressInfo).port;
  }

  /** Sends a request to a webhook path or to a route of the host. */
  async request(request: HttpRequest): Promise<HttpResponse> {
    for (const name of ['authorization', 'webhook-signature', 'svix-signature']) {
      const value = request.headers?.[name];
      if (typeof value === 'string' && value !== '') this.#secrets.add(value);
    }
    const response = await exchange(this.port, request);
    this.#responses.push(`${JSON.stringify(response.headers)} ${response.text}`);
    return response;
  }

  /** Sends a webhook and checks that the response comes from Runhooks. */
  async send(
    webhook: Pick<SignedWebhook, 'body' | 'headers'>,
    path = DBT,
    more: Partial<HttpRequest> = {},
  ): Promise<WebhookResponse> {
    const { body, headers } = webhook;
    const response = await this.request({ path, body, ...more, headers: { ...headers, ...more.headers } });
    return { ...response, body: JSON.parse(response.text) as WebhookResponse['body'] };
  }

  connect(): RawConnection {
    const connection = new RawConnection(this.port);
    this.#connections.push(connection);
    return connection;
  }

  /** Runs all due work and returns the events the handler received. */
  async handled(): Promise<Handled['events']> {
    await waitUntilIdle(this.app);
    return this.app.get(Handled).events;
  }

  /** Returns how many messages the inbox holds, parsed or not. */
  async stored(): Promise<number> {
    const { messages } = await this.app.get<Store>(WEBHOOKS_STORE).counts();
    return Object.values(messages).reduce((sum, count) => sum + count, 0);
  }

  /** Runs all due work and returns state, reason and notes of every message parsed so far. */
  async messages(): Promise<({ id: string } & Pick<Recording, 'state' | 'reason' | 'notes'>)[]> {
    await waitUntilIdle(this.app);
    return this.#recordings.map(({ messageId, state, reason, notes }) => ({
      id: messageId,
      state,
      ...(reason !== undefined && { reason }),
      ...(notes && { notes }),
    }));
  }

  disconnect(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  checkSecrecy(): void {
    const texts = [...this.log.lines, ...this.#responses, ...this.#connections.map(({ received }) => received)];
    for (const secret of this.#secrets) {
      const leak = texts.find((line) => line.includes(secret));
      if (leak !== undefined) throw new Error(`a log line or response contains secret content (${secret}): ${leak}`);
    }
    // A control character in a Runhooks line can only come from a sender, who could use it to forge log lines.
    const forged = this.log.containing(' Runhooks').find((line) => /\p{Cc}/u.test(line));
    if (forged !== undefined) throw new Error(`logged control characters: ${JSON.stringify(forged)}`);
  }
}
