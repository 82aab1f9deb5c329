import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Injectable, Module, type MiddlewareConsumer, type NestModule } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from '@jest/globals';
import { OnRunSucceeded } from 'nestjs-runhooks';
import { waitUntilIdle } from 'nestjs-runhooks/testing';
import { ADAPTERS, closeApps, DBT, dbtWebhook, instanceOf, startApp } from './http-app.js';

afterEach(closeApps);

type Seen = string[];

/** As access logs are written: a line once the response is sent. */
function logTo(seen: Seen, request: IncomingMessage & { originalUrl?: string }, response: ServerResponse): void {
  const { method, originalUrl = request.url } = request;
  response.on('finish', () => seen.push(`${method} ${originalUrl} ${response.statusCode}`));
}

const LINE = `POST ${DBT} 200`;

describe.each(ADAPTERS)('what sees a webhook on %s', (adapter) => {
  const onFastify = adapter === 'fastify' ? [LINE] : [];

  it('middleware of main.ts sees it on Fastify only', async () => {
    const seen: Seen = [];
    const edge = await startApp(adapter, {
      main: (app) =>
        app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
          logTo(seen, request, response);
          next();
        }),
    });
    await edge.send(dbtWebhook());
    expect(seen).toEqual(onFastify);
  });

  it('middleware of a Nest module sees it on Fastify only', async () => {
    const seen: Seen = [];
    @Module({})
    class AccessLog implements NestModule {
      configure(consumer: MiddlewareConsumer): void {
        consumer
          .apply((request: IncomingMessage, response: ServerResponse, next: () => void) => {
            logTo(seen, request, response);
            next();
          })
          .forRoutes('{*path}');
      }
    }
    const edge = await startApp(adapter, { module: { imports: [AccessLog] } });
    await edge.send(dbtWebhook());
    expect(seen).toEqual(onFastify);
  });

  it('a listener of the HTTP server sees it on both', async () => {
    const seen: Seen = [];
    const edge = await startApp(adapter, {
      main: (app) =>
        (app.getHttpServer() as Server).prependListener('request', (request, response) =>
          logTo(seen, request, response),
        ),
    });
    await edge.send(dbtWebhook());
    expect(seen).toEqual([LINE]);
  });

  it('a context of the request, as correlation ids are kept in, ends before handlers run', async () => {
    const context = new AsyncLocalStorage<string>();
    const found: (string | undefined)[] = [];
    @Injectable()
    class Asks {
      @OnRunSucceeded({ id: 'asks' })
      ask(): void {
        found.push(context.getStore());
      }
    }
    const edge = await startApp(adapter, {
      webhooks: { dispatch: 'auto' },
      module: { providers: [Asks] },
      main: (app) =>
        (app.getHttpServer() as Server).prependListener('request', (request: IncomingMessage) => {
          context.enterWith(String(request.headers['x-request-id']));
        }),
    });
    for (const id of ['1', '2', '3']) {
      await edge.send(dbtWebhook(), DBT, { headers: { 'x-request-id': id } });
      await waitUntilIdle(edge.app);
    }
    await Promise.all(['4', '5', '6'].map((id) => edge.send(dbtWebhook(), DBT, { headers: { 'x-request-id': id } })));
    await waitUntilIdle(edge.app);
    expect(found).toEqual(Array.from({ length: 6 }));
  });

  it('nothing that lists controllers, as Swagger does, finds its route', async () => {
    const edge = await startApp(adapter);
    const modules = [...edge.app.get(ModulesContainer).values()];
    const controllers = modules.flatMap((module) => [...module.controllers.values()].map(({ name }) => name));
    expect(controllers).toEqual(['HostController']);
  });
});

it("Fastify's own log and its onResponse hooks see a webhook", async () => {
  const seen: Seen = [];
  const stream = { write: (line: string) => void seen.push((JSON.parse(line) as { msg: string }).msg) };
  const edge = await startApp('fastify', {
    http: new FastifyAdapter({ logger: { level: 'info', stream } }),
    main: (app) =>
      instanceOf<FastifyInstance>(app).addHook('onResponse', (request, reply, done) => {
        seen.push(`${request.method} ${request.url} ${reply.statusCode}`);
        done();
      }),
  });
  await edge.send(dbtWebhook());
  expect(seen.slice(1).sort()).toEqual([LINE, 'incoming request', 'request completed']);
});
