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
import type { Recording, Store, StoreFactory } from 'nestjs-runhooks/core';
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
import { exchange, RawConnection, type HttpAnswer, type HttpRequest } from './http-client.js';

/** Every test of the edge runs on both. */
export const ADAPTERS = ['express', 'fastify'] as const;
export type AdapterName = (typeof ADAPTERS)[number];

export const isNest12 = 'enableCsrfProtection' in NestApplication.prototype;

export const DBT = '/webhooks/dbt';
export const PARADIME = '/webhooks/paradime';

/** Stands for content that only the two ends may see: payloads carry it, and no answer and no log line may. */
export const CONTENT = 'content-for-handlers-only';

/** A signed webhook of dbt Cloud whose texts, but for the job's name, are {@link CONTENT}. */
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

/** A route of the host's own, with a body parsed by the host. */
@Controller('host')
export class HostController {
  @Post('echo')
  echo(@Body() body: unknown): { got: unknown } {
    return { got: body };
  }
}

/** What the app logged, each line with everything that was given with it. */
export class LogLines implements LoggerService {
  readonly lines: string[] = [];

  log = (...said: unknown[]): void => this.#add('log', said);
  warn = (...said: unknown[]): void => this.#add('warn', said);
  error = (...said: unknown[]): void => this.#add('error', said);
  debug = (...said: unknown[]): void => this.#add('debug', said);
  fatal = (...said: unknown[]): void => this.#add('fatal', said);

  containing(part: string): string[] {
    return this.lines.filter((line) => line.includes(part));
  }

  #add(level: string, said: readonly unknown[]): void {
    const texts = said.map((one) => (one instanceof Error ? String(one.stack) : String(one)));
    this.lines.push(`${level} ${texts.join(' ')}`);
  }
}

export interface EdgeSetup {
  /** Instead of a new one of the adapter's kind. */
  readonly http?: AbstractHttpAdapter;
  readonly webhooks?: Partial<WebhooksOptions>;
  /** @default WebhooksModule.forRoot */
  readonly imported?: (options: WebhooksOptions) => DynamicModule;
  readonly module?: ModuleMetadata;
  readonly nest?: NestApplicationOptions;
  /** What the host does in main.ts. */
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

/** A listening app with a dbt and a Paradime source, in the set-up of a test. */
export async function startApp(adapter: AdapterName, setup: EdgeSetup = {}): Promise<HttpApp> {
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
  const edge = new HttpApp(app, log, recordings);
  running.add(edge);
  await main?.(app);
  await app.listen(0, '127.0.0.1');
  return edge;
}

/** An app that the test made by itself. */
export function closeLater<T extends { close(): Promise<void> }>(app: T): T {
  others.add(app);
  return app;
}

/** For `afterEach`: closes what the test started, and finds what was said that must not be. */
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

/** The adapter-specific app that a host's main.ts has. */
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

/** The same inbox, whose recordings can be looked at. */
function observed(inbox: StoreFactory, recordings: Recording[]): StoreFactory {
  return {
    createStore(logger) {
      return new Proxy(inbox.createStore(logger), {
        get(store: Store, name: keyof Store) {
          const value: unknown = store[name];
          if (typeof value !== 'function') return value;
          return (...args: unknown[]): unknown => {
            if (name === 'record') recordings.push(...(args[0] as Recording[]));
            return (value as (...args: unknown[]) => unknown).apply(store, args);
          };
        },
      });
    },
  };
}

export interface EdgeAnswer extends HttpAnswer {
  readonly body: { readonly status: string; readonly message: string; readonly id?: string };
}

export class HttpApp {
  readonly #recordings: readonly Recording[];
  readonly #secrets = new Set<string>([CONTENT, TEST_SECRETS.dbtCloud, TEST_SECRETS.paradime]);
  readonly #answers: string[] = [];
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

  /** A request, to the webhooks or to the host's own routes. */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    for (const name of ['authorization', 'webhook-signature', 'svix-signature']) {
      const value = request.headers?.[name];
      if (typeof value === 'string' && value !== '') this.#secrets.add(value);
    }
    const answer = await exchange(this.port, request);
    this.#answers.push(`${JSON.stringify(answer.headers)} ${answer.text}`);
    return answer;
  }

  /** A webhook; the answer must be one of Runhooks'. */
  async send(
    webhook: Pick<SignedWebhook, 'body' | 'headers'>,
    path = DBT,
    more: Partial<HttpRequest> = {},
  ): Promise<EdgeAnswer> {
    const { body, headers } = webhook;
    const answer = await this.request({ path, body, ...more, headers: { ...headers, ...more.headers } });
    return { ...answer, body: JSON.parse(answer.text) as EdgeAnswer['body'] };
  }

  connect(): RawConnection {
    const connection = new RawConnection(this.port);
    this.#connections.push(connection);
    return connection;
  }

  /** What the handler got, after everything that is due. */
  async handled(): Promise<Handled['events']> {
    await waitUntilIdle(this.app);
    return this.app.get(Handled).events;
  }

  /** How many messages the inbox holds, read or not. */
  async stored(): Promise<number> {
    const { messages } = await this.app.get<Store>(WEBHOOKS_STORE).counts();
    return Object.values(messages).reduce((sum, count) => sum + count, 0);
  }

  /** State, reason and notes of every message read so far, after everything that is due. */
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
    const said = [...this.log.lines, ...this.#answers, ...this.#connections.map(({ received }) => received)];
    for (const secret of this.#secrets) {
      const leak = said.find((line) => line.includes(secret));
      if (leak !== undefined) throw new Error(`said what must not be said (${secret}): ${leak}`);
    }
    // Line breaks and the like in a line of ours can only come from a sender, who could forge lines with them.
    const forged = this.log.containing(' Runhooks').find((line) => /\p{Cc}/u.test(line));
    if (forged !== undefined) throw new Error(`logged control characters: ${JSON.stringify(forged)}`);
  }
}
