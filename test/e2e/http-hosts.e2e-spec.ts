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
import { ADAPTERS, closeApps, DBT, dbtWebhook, isNest12, startApp, type HttpApp, type HttpSetup } from './http-app.js';

afterEach(closeApps);

const ECHO = '/host/echo';

/** Expects webhooks to be received, verified and handled, as every setup must allow. */
async function expectReceives(httpApp: HttpApp, headers: Record<string, string> = {}): Promise<void> {
  const webhook = dbtWebhook({ payload: { data: { runId: '7' } } });
  const first = await httpApp.send(webhook, DBT, { headers });
  expect(first).toMatchObject({ status: 200, body: { status: 'accepted' } });
  const second = await httpApp.send(webhook, DBT, { headers });
  expect(second).toMatchObject({ status: 200, body: { status: 'duplicate', id: first.body.id } });
  const forged = await httpApp.send(dbtWebhook({ secret: 'forged' }), DBT, { headers });
  expect(forged).toMatchObject({ status: 401, body: { status: 'signature-mismatch' } });
  expect((await httpApp.handled()).map(({ type, runId }) => `${type} ${runId}`)).toEqual([
    'run.succeeded 7',
    'run.completed 7',
  ]);
}

async function echo(httpApp: HttpApp, path = ECHO, headers: Record<string, string> = {}): Promise<[number, unknown]> {
  const body = JSON.stringify({ a: 1 });
  const response = await httpApp.request({ path, body, headers: { 'content-type': 'application/json', ...headers } });
  const isJson = response.headers['content-type']?.startsWith('application/json');
  return [response.status, isJson ? JSON.parse(response.text) : response.text];
}

const ECHOED = [201, { got: { a: 1 } }];

interface Calls {
  count: number;
}

/** Global enhancers that each refuse every request. */
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

describe.each(ADAPTERS)('a host app on %s', (adapter) => {
  const SETUPS: [title: string, setup: HttpSetup][] = [
    ["with Nest's defaults", {}],
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
    ['initialized before it listens', { main: (app) => app.init() }],
    [
      'created by TestingModule',
      {
        create: async (module, http, options) =>
          (await Test.createTestingModule({ imports: [module] }).compile()).createNestApplication(http, options),
      },
    ],
    [
      'created by TestingModule without options',
      {
        create: async (module, http) =>
          (await Test.createTestingModule({ imports: [module] }).compile()).createNestApplication(http),
      },
    ],
  ];

  it.each(SETUPS)('receives webhooks and keeps its own routes when set up %s', async (_, setup) => {
    const httpApp = await startApp(adapter, setup);
    await expectReceives(httpApp);
    expect(await echo(httpApp)).toEqual(ECHOED);
    expect(await echo(httpApp, '/elsewhere')).toMatchObject([
      404,
      { statusCode: 404, message: 'Cannot POST /elsewhere' },
    ]);
    expect(await echo(httpApp, `${DBT}/more`)).toMatchObject([404, { statusCode: 404 }]);
  });

  (isNest12 ? it : it.skip)('with security headers of Nest 12, webhooks arrive', async () => {
    await expectReceives(await startApp(adapter, { main: (app) => app.useSecurityHeaders() }));
  });

  it('receives webhooks without body parsers', async () => {
    await expectReceives(await startApp(adapter, { nest: { bodyParser: false } }));
  });

  it('receives webhooks with helmet and keeps the headers on its own routes', async () => {
    const httpApp = await startApp(adapter, {
      main: async (app) => {
        if (adapter === 'express') app.use(helmet());
        else await (app as NestFastifyApplication).register(fastifyHelmet);
      },
    });
    await expectReceives(httpApp);
    const { headers } = await httpApp.request({
      path: ECHO,
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect(headers).toHaveProperty('content-security-policy');
  });

  it('does not count webhooks in a rate limit', async () => {
    const tooMany = () => new HttpException('too many', 429);
    const httpApp = await startApp(adapter, {
      main: async (app) => {
        if (adapter === 'express') app.use(rateLimit({ limit: 1, windowMs: 60_000, validate: false }));
        else
          await (app as NestFastifyApplication).register(fastifyRateLimit, { max: 1, errorResponseBuilder: tooMany });
      },
    });
    expect((await echo(httpApp))[0]).toBe(201);
    expect((await echo(httpApp))[0]).toBe(429);
    await expectReceives(httpApp);
  });

  // The middleware writes its refusal for Express, so on Fastify it fails with 500.
  const SEEN_BY_MIDDLEWARE = { express: [200, 200], fastify: [200, 500] } as const;

  it(`${adapter === 'express' ? 'does not count' : 'counts'} webhooks in a rate limit that is a middleware`, async () => {
    const httpApp = await startApp(adapter, {
      main: (app) => app.use(rateLimit({ limit: 1, windowMs: 60_000, validate: false })),
    });
    const statuses: number[] = [];
    for (let turn = 0; turn < 2; turn += 1)
      statuses.push((await httpApp.request({ path: DBT, ...dbtWebhook() })).status);
    expect(statuses).toEqual(SEEN_BY_MIDDLEWARE[adapter]);
  });

  it('keeps the absolute webhook path with a prefix and versions in the path', async () => {
    const httpApp = await startApp(adapter, {
      main: (app) => {
        app.setGlobalPrefix('api');
        app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      },
    });
    await expectReceives(httpApp);
    expect(await echo(httpApp, '/api/v1/host/echo')).toEqual(ECHOED);
    for (const path of ['/api/webhooks/dbt', '/api/v1/webhooks/dbt', '/v1/webhooks/dbt']) {
      expect((await echo(httpApp, path))[0]).toBe(404);
    }
  });

  describe('global enhancers that refuse everything', () => {
    const calls: Calls = { count: 0 };
    const callsProvider = { provide: 'CALLS', useValue: calls };

    it.each([
      ['APP_GUARD, as a throttler is', APP_GUARD, DenyingGuard, 403],
      ['a request-scoped APP_GUARD', APP_GUARD, RequestScopedGuard, 403],
      ['APP_PIPE', APP_PIPE, RefusingPipe, 400],
      ['APP_INTERCEPTOR', APP_INTERCEPTOR, BreakingInterceptor, 403],
    ])('are not called for webhooks: %s', async (_, provide, useClass, status) => {
      calls.count = 0;
      const httpApp = await startApp(adapter, { module: { providers: [callsProvider, { provide, useClass }] } });
      await expectReceives(httpApp);
      expect(calls.count).toBe(0);
      expect((await echo(httpApp))[0]).toBe(status);
      expect(calls.count).toBe(1);
    });

    it('are not called for webhooks: APP_FILTER', async () => {
      calls.count = 0;
      const httpApp = await startApp(adapter, {
        module: { providers: [callsProvider, { provide: APP_FILTER, useClass: TeapotFilter }] },
      });
      await expectReceives(httpApp);
      expect(await httpApp.send({ body: Buffer.alloc(0), headers: {} })).toMatchObject({ status: 400 });
      expect(calls.count).toBe(0);
      expect(await echo(httpApp, '/elsewhere')).toEqual([418, { teapot: true }]);
    });

    it.each<[title: string, use: (app: INestApplication) => unknown]>([
      ['useGlobalGuards', (app) => app.useGlobalGuards(new DenyingGuard(calls))],
      ['useGlobalPipes', (app) => app.useGlobalPipes(new RefusingPipe(calls))],
      ['useGlobalInterceptors', (app) => app.useGlobalInterceptors(new BreakingInterceptor(calls))],
    ])('are not called for webhooks: %s', async (_, main) => {
      calls.count = 0;
      const httpApp = await startApp(adapter, { main });
      await expectReceives(httpApp);
      expect(calls.count).toBe(0);
      expect((await echo(httpApp))[0]).toBeGreaterThanOrEqual(400);
    });
  });

  describe('asynchronous module options', () => {
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
    ])('receive webhooks when created by %s', async (_, imported) => {
      const httpApp = await startApp(adapter, { imported });
      await expectReceives(httpApp);
      expect(httpApp.app.get(Settings, { strict: false }).optionsMade).toBe(1);
    });
  });

  (isNest12 ? describe : describe.skip)('with the protection of Nest 12 against CSRF', () => {
    const foreign = { origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site' };

    it('receives webhooks with CSRF protection, which still rejects requests of foreign pages', async () => {
      const httpApp = await startApp(adapter, { main: (app) => app.enableCsrfProtection() });
      await expectReceives(httpApp);
      expect((await echo(httpApp, ECHO, foreign))[0]).toBe(403);
    });

    it('needs the path excluded from CSRF protection on Fastify only when a sender adds an Origin', async () => {
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
