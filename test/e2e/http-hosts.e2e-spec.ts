import {
  BadRequestException,
  Catch,
  ForbiddenException,
  HttpException,
  Inject,
  Injectable,
  Module,
  Scope,
  ValidationPipe,
  VersioningType,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
  type INestApplication,
  type NestInterceptor,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import fastifyHelmet from '@fastify/helmet';
import fastifyRateLimit from '@fastify/rate-limit';
import { afterEach, describe, expect, it } from '@jest/globals';
import { rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import { WebhooksModule, type WebhooksOptions, type WebhooksOptionsFactory } from 'nestjs-runhooks';
import { ADAPTERS, closeApps, DBT, dbtWebhook, isNest12, startApp, type HttpApp, type EdgeSetup } from './http-app.js';

afterEach(closeApps);

const ECHO = '/host/echo';

/** What every set-up must leave as it is: webhooks are received, checked and handled. */
async function expectReceives(edge: HttpApp, headers: Record<string, string> = {}): Promise<void> {
  const webhook = dbtWebhook({ payload: { data: { runId: '7' } } });
  const first = await edge.send(webhook, DBT, { headers });
  expect(first).toMatchObject({ status: 200, body: { status: 'accepted' } });
  const second = await edge.send(webhook, DBT, { headers });
  expect(second).toMatchObject({ status: 200, body: { status: 'duplicate', id: first.body.id } });
  const forged = await edge.send(dbtWebhook({ secret: 'forged' }), DBT, { headers });
  expect(forged).toMatchObject({ status: 401, body: { status: 'signature-mismatch' } });
  expect((await edge.handled()).map(({ type, runId }) => `${type} ${runId}`)).toEqual([
    'run.succeeded 7',
    'run.completed 7',
  ]);
}

async function echo(edge: HttpApp, path = ECHO, headers: Record<string, string> = {}): Promise<[number, unknown]> {
  const body = JSON.stringify({ a: 1 });
  const answer = await edge.request({ path, body, headers: { 'content-type': 'application/json', ...headers } });
  const isJson = answer.headers['content-type']?.startsWith('application/json');
  return [answer.status, isJson ? JSON.parse(answer.text) : answer.text];
}

const ECHOED = [201, { got: { a: 1 } }];

interface Calls {
  count: number;
}

/** Everything that can be made global, each refusing whatever it meets. */
@Injectable()
class DenyingGuard implements CanActivate {
  constructor(@Inject('CALLS') private readonly calls: Calls) {}
  canActivate(): boolean {
    this.calls.count += 1;
    return false;
  }
}

@Injectable({ scope: Scope.REQUEST })
class RequestScopedGuard extends DenyingGuard {}

@Injectable()
class RefusingPipe implements PipeTransform {
  constructor(@Inject('CALLS') private readonly calls: Calls) {}
  transform(): never {
    this.calls.count += 1;
    throw new BadRequestException();
  }
}

@Injectable()
class BreakingInterceptor implements NestInterceptor {
  constructor(@Inject('CALLS') private readonly calls: Calls) {}
  intercept(): never {
    this.calls.count += 1;
    throw new ForbiddenException();
  }
}

@Catch()
class TeapotFilter implements ExceptionFilter {
  constructor(@Inject('CALLS') private readonly calls: Calls) {}
  catch(_: unknown, host: ArgumentsHost): void {
    this.calls.count += 1;
    host
      .switchToHttp()
      .getResponse<{ status(code: number): { send(body: object): void } }>()
      .status(418)
      .send({ teapot: true });
  }
}

describe.each(ADAPTERS)('in a host app on %s', (adapter) => {
  const SETUPS: [title: string, setup: EdgeSetup][] = [
    ['as Nest makes it', {}],
    ['with rawBody', { nest: { rawBody: true } }],
    ['with CORS by an option', { nest: { cors: true } }],
    ['with CORS in main.ts', { main: (app) => app.enableCors({ origin: 'https://app.example' }) }],
    ['with buffered logs', { nest: { bufferLogs: true } }],
    ['that cuts connections when it closes', { nest: { forceCloseConnections: true } }],
    ['with a global ValidationPipe', { main: (app) => app.useGlobalPipes(new ValidationPipe({ whitelist: true })) }],
    [
      'with versions in a header',
      { main: (app) => app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' }) },
    ],
    [
      'with versions by media type',
      { main: (app) => app.enableVersioning({ type: VersioningType.MEDIA_TYPE, key: 'v=' }) },
    ],
    ['with shutdown hooks', { main: (app) => app.enableShutdownHooks() }],
    ['initialised before it listens', { main: (app) => app.init() }],
    [
      'made by TestingModule',
      {
        create: async (module, http, options) =>
          (await Test.createTestingModule({ imports: [module] }).compile()).createNestApplication(http, options),
      },
    ],
    [
      'made by TestingModule without options',
      {
        create: async (module, http) =>
          (await Test.createTestingModule({ imports: [module] }).compile()).createNestApplication(http),
      },
    ],
  ];

  it.each(SETUPS)('%s, webhooks arrive and its own routes are as before', async (_, setup) => {
    const edge = await startApp(adapter, setup);
    await expectReceives(edge);
    expect(await echo(edge)).toEqual(ECHOED);
    expect(await echo(edge, '/elsewhere')).toMatchObject([404, { statusCode: 404, message: 'Cannot POST /elsewhere' }]);
    expect(await echo(edge, `${DBT}/more`)).toMatchObject([404, { statusCode: 404 }]);
  });

  (isNest12 ? it : it.skip)('with security headers of Nest 12, webhooks arrive', async () => {
    await expectReceives(await startApp(adapter, { main: (app) => app.useSecurityHeaders() }));
  });

  it('without body parsers, webhooks arrive', async () => {
    await expectReceives(await startApp(adapter, { nest: { bodyParser: false } }));
  });

  it('with helmet, webhooks arrive and its own routes have the headers', async () => {
    const edge = await startApp(adapter, {
      main: async (app) => {
        if (adapter === 'express') app.use(helmet());
        else await (app as NestFastifyApplication).register(fastifyHelmet);
      },
    });
    await expectReceives(edge);
    const { headers } = await edge.request({ path: ECHO, body: '{}', headers: { 'content-type': 'application/json' } });
    expect(headers).toHaveProperty('content-security-policy');
  });

  it('with a rate limit, webhooks are not counted', async () => {
    const tooMany = () => new HttpException('too many', 429);
    const edge = await startApp(adapter, {
      main: async (app) => {
        if (adapter === 'express') app.use(rateLimit({ limit: 1, windowMs: 60_000, validate: false }));
        else
          await (app as NestFastifyApplication).register(fastifyRateLimit, { max: 1, errorResponseBuilder: tooMany });
      },
    });
    expect((await echo(edge))[0]).toBe(201);
    expect((await echo(edge))[0]).toBe(429);
    await expectReceives(edge);
  });

  // Its refusal is written for Express: on Fastify it fails.
  const SEEN_BY_MIDDLEWARE = { express: [200, 200], fastify: [200, 500] } as const;

  it(`with a rate limit as middleware, webhooks are ${adapter === 'express' ? 'not counted' : 'counted'}`, async () => {
    const edge = await startApp(adapter, {
      main: (app) => app.use(rateLimit({ limit: 1, windowMs: 60_000, validate: false })),
    });
    const statuses: number[] = [];
    for (let turn = 0; turn < 2; turn += 1) statuses.push((await edge.request({ path: DBT, ...dbtWebhook() })).status);
    expect(statuses).toEqual(SEEN_BY_MIDDLEWARE[adapter]);
  });

  it('with a prefix and versions in the path, webhooks keep their absolute path', async () => {
    const edge = await startApp(adapter, {
      main: (app) => {
        app.setGlobalPrefix('api');
        app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      },
    });
    await expectReceives(edge);
    expect(await echo(edge, '/api/v1/host/echo')).toEqual(ECHOED);
    for (const path of ['/api/webhooks/dbt', '/api/v1/webhooks/dbt', '/v1/webhooks/dbt']) {
      expect((await echo(edge, path))[0]).toBe(404);
    }
  });

  describe('whose global parts refuse everything, webhooks arrive and none of them is called', () => {
    const calls: Calls = { count: 0 };
    const callsProvider = { provide: 'CALLS', useValue: calls };

    it.each([
      ['APP_GUARD, as a throttler is', APP_GUARD, DenyingGuard, 403],
      ['a request-scoped APP_GUARD', APP_GUARD, RequestScopedGuard, 403],
      ['APP_PIPE', APP_PIPE, RefusingPipe, 400],
      ['APP_INTERCEPTOR', APP_INTERCEPTOR, BreakingInterceptor, 403],
    ])('%s', async (_, provide, useClass, status) => {
      calls.count = 0;
      const edge = await startApp(adapter, { module: { providers: [callsProvider, { provide, useClass }] } });
      await expectReceives(edge);
      expect(calls.count).toBe(0);
      expect((await echo(edge))[0]).toBe(status);
      expect(calls.count).toBe(1);
    });

    it('APP_FILTER', async () => {
      calls.count = 0;
      const edge = await startApp(adapter, {
        module: { providers: [callsProvider, { provide: APP_FILTER, useClass: TeapotFilter }] },
      });
      await expectReceives(edge);
      expect(await edge.send({ body: Buffer.alloc(0), headers: {} })).toMatchObject({ status: 400 });
      expect(calls.count).toBe(0);
      expect(await echo(edge, '/elsewhere')).toEqual([418, { teapot: true }]);
    });

    it.each<[title: string, use: (app: INestApplication) => unknown]>([
      ['useGlobalGuards', (app) => app.useGlobalGuards(new DenyingGuard(calls))],
      ['useGlobalPipes', (app) => app.useGlobalPipes(new RefusingPipe(calls))],
      ['useGlobalInterceptors', (app) => app.useGlobalInterceptors(new BreakingInterceptor(calls))],
    ])('%s', async (_, main) => {
      calls.count = 0;
      const edge = await startApp(adapter, { main });
      await expectReceives(edge);
      expect(calls.count).toBe(0);
      expect((await echo(edge))[0]).toBeGreaterThanOrEqual(400);
    });
  });

  describe('that makes the options itself, webhooks arrive', () => {
    @Injectable()
    class Settings {
      optionsMade = 0;
    }

    @Module({ providers: [Settings], exports: [Settings] })
    class SettingsModule {}

    function factoryOf(options: WebhooksOptions): Type<WebhooksOptionsFactory> {
      @Injectable()
      class Factory implements WebhooksOptionsFactory {
        constructor(@Inject(Settings) private readonly settings: Settings) {}
        createWebhooksOptions(): Promise<WebhooksOptions> {
          this.settings.optionsMade += 1;
          return Promise.resolve(options);
        }
      }
      return Factory;
    }

    it.each<[title: string, imported: (options: WebhooksOptions) => ReturnType<typeof WebhooksModule.forRootAsync>]>([
      [
        'useFactory with dependencies',
        (options) =>
          WebhooksModule.forRootAsync({
            imports: [SettingsModule],
            inject: [Settings, { token: 'ABSENT', optional: true }],
            useFactory: async (settings: Settings, absent: unknown) => {
              settings.optionsMade += 1;
              return Promise.resolve(absent === undefined ? options : { ...options, sources: [] });
            },
          }),
      ],
      [
        'useClass',
        (options) => WebhooksModule.forRootAsync({ imports: [SettingsModule], useClass: factoryOf(options) }),
      ],
      [
        'useExisting',
        (options) => {
          const Factory = factoryOf(options);
          @Module({ imports: [SettingsModule], providers: [Factory], exports: [Factory, SettingsModule] })
          class FactoryModule {}
          return WebhooksModule.forRootAsync({ imports: [FactoryModule], useExisting: Factory });
        },
      ],
    ])('by %s', async (_, imported) => {
      const edge = await startApp(adapter, { imported });
      await expectReceives(edge);
      expect(edge.app.get(Settings, { strict: false }).optionsMade).toBe(1);
    });
  });

  (isNest12 ? describe : describe.skip)('with the protection of Nest 12 against CSRF', () => {
    const foreign = { origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site' };

    it('webhooks arrive, which come from no browser, and requests of foreign pages do not', async () => {
      const edge = await startApp(adapter, { main: (app) => app.enableCsrfProtection() });
      await expectReceives(edge);
      expect((await echo(edge, ECHO, foreign))[0]).toBe(403);
    });

    it('a sender or gateway that adds an Origin needs the path excluded on Fastify, and nothing on Express', async () => {
      const closed = await startApp(adapter, { main: (app) => app.enableCsrfProtection() });
      const { status } = await closed.request({
        path: DBT,
        ...dbtWebhook(),
        headers: { ...dbtWebhook().headers, ...foreign },
      });
      expect(status).toBe(adapter === 'express' ? 401 : 403);
      const open = await startApp(adapter, {
        main: (app) => {
          app.setGlobalPrefix('api');
          app.enableCsrfProtection({ exclude: (request: { url: string }) => request.url.startsWith('/webhooks/') });
        },
      });
      await expectReceives(open, foreign);
    });
  });
});
