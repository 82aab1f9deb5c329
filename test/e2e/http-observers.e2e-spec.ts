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

/** Records a line once the response is sent, as access logs do. */
function logTo(seen: Seen, request: IncomingMessage & { originalUrl?: string }, response: ServerResponse): void {
  const { method, originalUrl = request.url } = request;
  response.on('finish', () => seen.push(`${method} ${originalUrl} ${response.statusCode}`));
}

const LINE = `POST ${DBT} 200`;

describe.each(ADAPTERS)('observers of a webhook on %s', (adapter) => {
  const onFastify = adapter === 'fastify' ? [LINE] : [];

  it('include middleware of main.ts on Fastify only', async () => {
    const seen: Seen = [];
    const httpApp = await startApp(adapter, {
      main: (app) =>
        app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
          logTo(seen, request, response);
          next();
        }),
    });
    await httpApp.send(dbtWebhook());
    expect(seen).toEqual(onFastify);
  });

  it('include middleware of a Nest module on Fastify only', async () => {
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
    const httpApp = await startApp(adapter, { module: { imports: [AccessLog] } });
    await httpApp.send(dbtWebhook());
    expect(seen).toEqual(onFastify);
  });

  it('include a listener of the HTTP server on both adapters', async () => {
    const seen: Seen = [];
    const httpApp = await startApp(adapter, {
      main: (app) =>
        (app.getHttpServer() as Server).prependListener('request', (request, response) =>
          logTo(seen, request, response),
        ),
    });
    await httpApp.send(dbtWebhook());
    expect(seen).toEqual([LINE]);
  });

  it('lose their request context, which holds correlation ids, before handlers run', async () => {
    const context = new AsyncLocalStorage<string>();
    const found: (string | undefined)[] = [];
    @Injectable()
    class Asks {
      @OnRunSucceeded({ id: 'asks' })
      ask(): void {
        found.push(context.getStore());
      }
    }
    const httpApp = await startApp(adapter, {
      webhooks: { dispatch: 'auto' },
      module: { providers: [Asks] },
      main: (app) =>
        (app.getHttpServer() as Server).prependListener('request', (request: IncomingMessage) => {
          context.enterWith(String(request.headers['x-request-id']));
        }),
    });
    for (const id of ['1', '2', '3']) {
      await httpApp.send(dbtWebhook(), DBT, { headers: { 'x-request-id': id } });
      await waitUntilIdle(httpApp.app);
    }
    await Promise.all(
      ['4', '5', '6'].map((id) => httpApp.send(dbtWebhook(), DBT, { headers: { 'x-request-id': id } })),
    );
    await waitUntilIdle(httpApp.app);
    expect(found).toEqual(Array.from({ length: 6 }));
  });

  it('exclude tools that list controllers, such as Swagger', async () => {
    const httpApp = await startApp(adapter);
    const modules = [...httpApp.app.get(ModulesContainer).values()];
    const controllers = modules.flatMap((module) => [...module.controllers.values()].map(({ name }) => name));
    expect(controllers).toEqual(['HostController']);
  });
});

it("shows webhooks in Fastify's own log and its onResponse hooks", async () => {
  const seen: Seen = [];
  const stream = { write: (line: string) => void seen.push((JSON.parse(line) as { msg: string }).msg) };
  const httpApp = await startApp('fastify', {
    http: new FastifyAdapter({ logger: { level: 'info', stream } }),
    main: (app) =>
      instanceOf<FastifyInstance>(app).addHook('onResponse', (request, reply, done) => {
        seen.push(`${request.method} ${request.url} ${reply.statusCode}`);
        done();
      }),
  });
  await httpApp.send(dbtWebhook());
  expect(seen.slice(1).sort()).toEqual([LINE, 'incoming request', 'request completed']);
});
