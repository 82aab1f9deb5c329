import type { IncomingMessage, Server } from 'node:http';
import { once } from 'node:events';
import { Injectable, type MiddlewareConsumer, type NestMiddleware, type NestModule } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { afterEach, describe, expect, it } from '@jest/globals';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { LIMITS } from 'nestjs-runhooks/internal';
import { signDbtCloud } from 'nestjs-runhooks/testing';
import {
  ADAPTERS,
  closeApps,
  DBT,
  dbtWebhook,
  instanceOf,
  startApp,
  type HttpApp,
  type HttpSetup,
} from './http-app.js';
import { head } from './http-client.js';

afterEach(closeApps);

const CURE = /exclude this path from the middleware or hook of the app that reads bodies, or .* request\.rawBody/;

/** Expects a 500 at once whose body and log line name the cause and the fix. */
async function expectConsumed(httpApp: HttpApp): Promise<void> {
  expect(await httpApp.send(dbtWebhook())).toMatchObject({
    status: 500,
    body: { status: 'body-consumed', message: expect.stringMatching(CURE) },
  });
  expect(httpApp.log.containing('Source "dbt"').filter((line) => CURE.test(line))).toHaveLength(1);
  expect(await httpApp.stored()).toBe(0);
}

async function expectAccepted(httpApp: HttpApp): Promise<void> {
  expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 200, body: { status: 'accepted' } });
  expect(await httpApp.send(dbtWebhook({ secret: 'forged' }))).toMatchObject({ status: 401 });
  expect(await httpApp.stored()).toBe(1);
}

/** Reads a body to its end and discards it. */
function readAll(request: IncomingMessage, next: () => void): void {
  request.on('data', () => undefined).once('end', next);
}

function existing(prepare: (app: Express) => void): HttpSetup {
  const app = express();
  prepare(app);
  return { http: new ExpressAdapter(app) };
}

describe('an Express app that hosts Nest', () => {
  const withJson = () => existing((app) => app.use(express.json()));

  it('returns 500 with the fix and hangs no request when it parses bodies itself', async () => {
    await expectConsumed(await startApp('express', withJson()));
  });

  it.each([
    ['with the urlencoded parser', express.urlencoded({ extended: true, type: '*/*' })],
    ['with a listener', (request: Request, _: Response, next: NextFunction) => readAll(request, next)],
  ])('returns 500 with the fix when it reads bodies %s', async (_, middleware) => {
    await expectConsumed(
      await startApp(
        'express',
        existing((app) => app.use(middleware)),
      ),
    );
  });

  it('returns 500 with the fix and closes the connection when it has started to read the body', async () => {
    const readABit = (request: Request, _: Response, next: NextFunction) =>
      void request.once('data', () => {
        request.pause();
        next();
      });
    const httpApp = await startApp(
      'express',
      existing((app) => app.use(readABit)),
    );
    await expectConsumed(httpApp);
    const connection = httpApp.connect();
    await connection.write(head(DBT, { 'content-length': 200_000 }) + 'x'.repeat(200_000));
    await connection.closed;
    expect(connection.received).toMatch(/^HTTP\/1.1 500 .*connection: close/is);
  });

  it.each([
    [
      'keeps the bytes of what it parses in rawBody',
      express.json({ verify: (request, _, bytes) => Object.assign(request, { rawBody: bytes }) }),
    ],
    ['keeps the bytes as the body', express.raw({ type: '*/*' })],
    ['keeps bodies as text', express.text({ type: '*/*' })],
    ['parses other types only', express.urlencoded({ extended: true })],
    [
      'only listens for data',
      (request: Request, _: Response, next: NextFunction) => (request.on('data', () => {}), next()),
    ],
  ])('receives webhooks when it %s', async (_, middleware) => {
    await expectAccepted(
      await startApp(
        'express',
        existing((app) => app.use(middleware)),
      ),
    );
  });

  it('rejects oversized bodies with 413 when it keeps the bytes', async () => {
    const httpApp = await startApp(
      'express',
      existing((app) => app.use(express.raw({ type: '*/*', limit: '2mb' }))),
    );
    const tooLarge = signDbtCloud('x'.repeat(LIMITS.bodyBytesMax + 1));
    expect(await httpApp.send(tooLarge)).toMatchObject({ status: 413 });
    expect(await httpApp.send(signDbtCloud(''))).toMatchObject({ status: 400 });
  });

  it('rejects an empty body with 400 when it parses bodies', async () => {
    const httpApp = await startApp('express', withJson());
    for (const headers of [{ 'content-length': '0' }, { 'transfer-encoding': 'chunked' }]) {
      const response = await httpApp.send({
        body: Buffer.alloc(0),
        headers: { 'content-type': 'application/json', ...headers },
      });
      expect(response).toMatchObject({ status: 400, body: { message: 'the request has no body' } });
    }
  });

  it('keeps its own routes before and after Nest', async () => {
    const app = express();
    app.get('/before', (_, response) => void response.send('before'));
    const httpApp = await startApp('express', { http: new ExpressAdapter(app) });
    app.get('/after', (_, response) => void response.send('after'));
    await expectAccepted(httpApp);
    expect(await httpApp.request({ method: 'GET', path: '/before' })).toMatchObject({ status: 200, text: 'before' });
    expect(await httpApp.request({ method: 'GET', path: '/after' })).toMatchObject({ status: 404 });
  });
});

describe.each(ADAPTERS)('a host on %s that reads bodies', (adapter) => {
  it("returns 500 with the fix when it reads them in the adapter's request hook", async () => {
    const httpApp = await startApp(adapter, {
      main: (app) => {
        const hook = (request: IncomingMessage | { raw: IncomingMessage }, _: unknown, done: () => void): void => {
          readAll('raw' in request ? request.raw : request, done);
        };
        (app.getHttpAdapter() as { setOnRequestHook?: (hook: unknown) => void }).setOnRequestHook?.(hook);
      },
    });
    await expectConsumed(httpApp);
  });

  describe('Nest middleware', () => {
    let urlsRead: string[] = [];

    @Injectable()
    class BodyReader implements NestMiddleware<IncomingMessage & { originalUrl?: string }> {
      use(request: IncomingMessage & { originalUrl?: string }, _: unknown, next: () => void): void {
        urlsRead.push(request.originalUrl ?? '');
        readAll(request, next);
      }
    }

    it.each(['{*path}', 'webhooks/dbt'])(
      `${adapter === 'express' ? 'never sees a webhook' : 'causes a 500 with the fix'} when registered for %s`,
      async (route) => {
        urlsRead = [];
        class WithMiddleware implements NestModule {
          configure(consumer: MiddlewareConsumer): void {
            consumer.apply(BodyReader).forRoutes(route);
          }
        }
        const httpApp = await startApp(adapter, { module: { imports: [{ module: WithMiddleware }] } });
        await (adapter === 'express' ? expectAccepted(httpApp) : expectConsumed(httpApp));
        expect(urlsRead).toEqual(adapter === 'express' ? [] : [DBT]);
      },
    );
  });

  it('never sees a webhook in app.use() on Express, and returns 500 with the fix on Fastify', async () => {
    const httpApp = await startApp(adapter, { main: (app) => app.use(express.json()) });
    await (adapter === 'express' ? expectAccepted(httpApp) : expectConsumed(httpApp));
  });
});

describe('Fastify hooks of the host', () => {
  interface Hooks {
    addHook(name: string, hook: (...args: never[]) => unknown): void;
  }

  it('cause a 500 with the fix when onRequest reads bodies', async () => {
    const httpApp = await startApp('fastify', {
      main: (app) =>
        instanceOf<Hooks>(app).addHook('onRequest', ({ raw }: { raw: IncomingMessage }, _: unknown, done: () => void) =>
          readAll(raw, done),
        ),
    });
    await expectConsumed(httpApp);
  });

  it('decide the response when onRequest sends one', async () => {
    const httpApp = await startApp('fastify', {
      main: (app) =>
        instanceOf<Hooks>(app).addHook(
          'onRequest',
          async (_: unknown, reply: { code(n: number): { send(x: object): unknown } }) =>
            reply.code(401).send({ host: 'says no' }),
        ),
    });
    expect(await httpApp.request({ path: DBT, ...dbtWebhook() })).toMatchObject({
      status: 401,
      text: '{"host":"says no"}',
    });
    expect(await httpApp.stored()).toBe(0);
  });

  it('let the app store nothing and continue when onRequest outlasts the sender', async () => {
    let letGo = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const httpApp = await startApp('fastify', {
      main: (app) => instanceOf<Hooks>(app).addHook('onRequest', async () => await released),
    });
    const { body, headers } = dbtWebhook();
    const connection = httpApp.connect();
    const started = once(httpApp.app.getHttpServer() as Server, 'request');
    await connection.write(head(DBT, { ...headers, 'content-length': body.length }));
    const [request] = (await started) as [IncomingMessage];
    const closed = new Promise((resolve) => request.once('close', resolve));
    connection.destroy();
    await closed;
    letGo();
    expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 200 });
    expect(await httpApp.stored()).toBe(1);
  });

  it('never run for webhooks when they are later than onRequest, except onResponse, which runs once', async () => {
    let responses = 0;
    const httpApp = await startApp('fastify', {
      main: (app) => {
        const hooks = instanceOf<Hooks>(app);
        for (const name of ['preParsing', 'preValidation', 'preHandler', 'preSerialization', 'onSend']) {
          hooks.addHook(name, async () => {
            throw new Error(`${name} of the host`);
          });
        }
        hooks.addHook('onResponse', async () => {
          responses += 1;
        });
      },
    });
    expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 200, body: { status: 'accepted' } });
    expect(responses).toBe(1);
  });
});
