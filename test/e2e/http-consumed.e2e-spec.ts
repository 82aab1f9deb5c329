import type { IncomingMessage, Server } from 'node:http';
import { once } from 'node:events';
import { Injectable, type MiddlewareConsumer, type NestMiddleware, type NestModule } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { afterEach, describe, expect, it } from '@jest/globals';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { LIMITS } from 'nestjs-runhooks/core';
import { signDbtCloud } from 'nestjs-runhooks/testing';
import {
  ADAPTERS,
  closeApps,
  DBT,
  dbtWebhook,
  instanceOf,
  startApp,
  type HttpApp,
  type EdgeSetup,
} from './http-app.js';
import { head } from './http-client.js';

afterEach(closeApps);

const CURE = /exclude this path from the middleware or hook of the app that reads bodies, or .* request\.rawBody/;

/** Answered at once, with the cause and the cure, to the sender and to the operator. */
async function expectConsumed(edge: HttpApp): Promise<void> {
  expect(await edge.send(dbtWebhook())).toMatchObject({
    status: 500,
    body: { status: 'body-consumed', message: expect.stringMatching(CURE) },
  });
  expect(edge.log.containing('Source "dbt"').filter((line) => CURE.test(line))).toHaveLength(1);
  expect(await edge.stored()).toBe(0);
}

async function expectAccepted(edge: HttpApp): Promise<void> {
  expect(await edge.send(dbtWebhook())).toMatchObject({ status: 200, body: { status: 'accepted' } });
  expect(await edge.send(dbtWebhook({ secret: 'forged' }))).toMatchObject({ status: 401 });
  expect(await edge.stored()).toBe(1);
}

/** Reads a body to its end and keeps nothing of it. */
function eat(request: IncomingMessage, next: () => void): void {
  request.on('data', () => undefined).once('end', next);
}

function existing(prepare: (app: Express) => void): EdgeSetup {
  const app = express();
  prepare(app);
  return { http: new ExpressAdapter(app) };
}

describe('an Express app that Nest is added to', () => {
  const withJson = () => existing((app) => app.use(express.json()));

  it('and that parses bodies itself gets a 500 with the cure, and no request hangs', async () => {
    await expectConsumed(await startApp('express', withJson()));
  });

  it.each([
    ['as urlencoded', express.urlencoded({ extended: true, type: '*/*' })],
    ['by a listener', (request: Request, _: Response, next: NextFunction) => eat(request, next)],
  ])('and that reads bodies %s: the same', async (_, middleware) => {
    await expectConsumed(
      await startApp(
        'express',
        existing((app) => app.use(middleware)),
      ),
    );
  });

  it('and that has begun to read: the same, and the connection is closed rather than stuck', async () => {
    const readABit = (request: Request, _: Response, next: NextFunction) =>
      void request.once('data', () => {
        request.pause();
        next();
      });
    const edge = await startApp(
      'express',
      existing((app) => app.use(readABit)),
    );
    await expectConsumed(edge);
    const connection = edge.connect();
    await connection.write(head(DBT, { 'content-length': 200_000 }) + 'x'.repeat(200_000));
    await connection.closed;
    expect(connection.received).toMatch(/^HTTP\/1.1 500 .*connection: close/is);
  });

  it.each([
    [
      'keeps the bytes of what it parses in rawBody',
      express.json({ verify: (request, _, bytes) => Object.assign(request, { rawBody: bytes }) }),
    ],
    ['keeps them as the body', express.raw({ type: '*/*' })],
    ['keeps them as text', express.text({ type: '*/*' })],
    ['parses other types only', express.urlencoded({ extended: true })],
    ['only listens', (request: Request, _: Response, next: NextFunction) => (request.on('data', () => {}), next())],
  ])('and that %s receives webhooks', async (_, middleware) => {
    await expectAccepted(
      await startApp(
        'express',
        existing((app) => app.use(middleware)),
      ),
    );
  });

  it('and that keeps the bytes is as strict about their size as any other', async () => {
    const edge = await startApp(
      'express',
      existing((app) => app.use(express.raw({ type: '*/*', limit: '2mb' }))),
    );
    const tooLarge = signDbtCloud('x'.repeat(LIMITS.bodyBytesMax + 1));
    expect(await edge.send(tooLarge)).toMatchObject({ status: 413 });
    expect(await edge.send(signDbtCloud(''))).toMatchObject({ status: 400 });
  });

  it('and that parses bodies is told of one that was empty as of any empty one', async () => {
    const edge = await startApp('express', withJson());
    for (const headers of [{ 'content-length': '0' }, { 'transfer-encoding': 'chunked' }]) {
      const answer = await edge.send({
        body: Buffer.alloc(0),
        headers: { 'content-type': 'application/json', ...headers },
      });
      expect(answer).toMatchObject({ status: 400, body: { message: 'the request has no body' } });
    }
  });

  it('keeps its own routes, before and after Nest', async () => {
    const app = express();
    app.get('/before', (_, response) => void response.send('before'));
    const edge = await startApp('express', { http: new ExpressAdapter(app) });
    app.get('/after', (_, response) => void response.send('after'));
    await expectAccepted(edge);
    expect(await edge.request({ method: 'GET', path: '/before' })).toMatchObject({ status: 200, text: 'before' });
    expect(await edge.request({ method: 'GET', path: '/after' })).toMatchObject({ status: 404 });
  });
});

describe.each(ADAPTERS)('a host on %s that reads bodies', (adapter) => {
  it('in the request hook of its adapter gets a 500 with the cure', async () => {
    const edge = await startApp(adapter, {
      main: (app) => {
        const hook = (request: IncomingMessage | { raw: IncomingMessage }, _: unknown, done: () => void): void => {
          eat('raw' in request ? request.raw : request, done);
        };
        (app.getHttpAdapter() as { setOnRequestHook?: (hook: unknown) => void }).setOnRequestHook?.(hook);
      },
    });
    await expectConsumed(edge);
  });

  describe('in a Nest middleware', () => {
    let eaten: string[] = [];

    @Injectable()
    class Eater implements NestMiddleware<IncomingMessage & { originalUrl?: string }> {
      use(request: IncomingMessage & { originalUrl?: string }, _: unknown, next: () => void): void {
        eaten.push(request.originalUrl ?? '');
        eat(request, next);
      }
    }

    it.each(['{*path}', 'webhooks/dbt'])(
      `for %s ${adapter === 'express' ? 'never meets a webhook' : 'gets a 500 with the cure'}`,
      async (route) => {
        eaten = [];
        class WithMiddleware implements NestModule {
          configure(consumer: MiddlewareConsumer): void {
            consumer.apply(Eater).forRoutes(route);
          }
        }
        const edge = await startApp(adapter, { module: { imports: [{ module: WithMiddleware }] } });
        await (adapter === 'express' ? expectAccepted(edge) : expectConsumed(edge));
        expect(eaten).toEqual(adapter === 'express' ? [] : [DBT]);
      },
    );
  });

  it('by app.use() in main.ts never meets a webhook on Express, and gets a 500 with the cure on Fastify', async () => {
    const edge = await startApp(adapter, { main: (app) => app.use(express.json()) });
    await (adapter === 'express' ? expectAccepted(edge) : expectConsumed(edge));
  });
});

describe('a host on Fastify', () => {
  interface Hooks {
    addHook(name: string, hook: (...args: never[]) => unknown): void;
  }

  it('whose onRequest hook reads bodies gets a 500 with the cure', async () => {
    const edge = await startApp('fastify', {
      main: (app) =>
        instanceOf<Hooks>(app).addHook('onRequest', ({ raw }: { raw: IncomingMessage }, _: unknown, done: () => void) =>
          eat(raw, done),
        ),
    });
    await expectConsumed(edge);
  });

  it('whose onRequest hook answers is obeyed', async () => {
    const edge = await startApp('fastify', {
      main: (app) =>
        instanceOf<Hooks>(app).addHook(
          'onRequest',
          async (_: unknown, reply: { code(n: number): { send(x: object): unknown } }) =>
            reply.code(401).send({ host: 'says no' }),
        ),
    });
    expect(await edge.request({ path: DBT, ...dbtWebhook() })).toMatchObject({
      status: 401,
      text: '{"host":"says no"}',
    });
    expect(await edge.stored()).toBe(0);
  });

  it('whose onRequest hook outlasts the sender stores nothing and goes on', async () => {
    let letGo = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const edge = await startApp('fastify', {
      main: (app) => instanceOf<Hooks>(app).addHook('onRequest', async () => await released),
    });
    const { body, headers } = dbtWebhook();
    const connection = edge.connect();
    const started = once(edge.app.getHttpServer() as Server, 'request');
    await connection.write(head(DBT, { ...headers, 'content-length': body.length }));
    const [request] = (await started) as [IncomingMessage];
    const closed = new Promise((resolve) => request.once('close', resolve));
    connection.destroy();
    await closed;
    letGo();
    expect(await edge.send(dbtWebhook())).toMatchObject({ status: 200 });
    expect(await edge.stored()).toBe(1);
  });

  it('whose later hooks fail or change bodies: none of them meets a webhook, and onResponse does once', async () => {
    let responses = 0;
    const edge = await startApp('fastify', {
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
    expect(await edge.send(dbtWebhook())).toMatchObject({ status: 200, body: { status: 'accepted' } });
    expect(responses).toBe(1);
  });
});
