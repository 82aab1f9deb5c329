import { connect, type ClientHttp2Session } from 'node:http2';
import { text } from 'node:stream/consumers';
import { All, Controller, Get, Post } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { TEST_SECRETS } from 'nestjs-runhooks/testing';
import { ADAPTERS, closeApps, DBT, dbtWebhook, startApp, type HttpApp } from './http-app.js';

afterEach(closeApps);

const secrets = [TEST_SECRETS.dbtCloud];

async function statusOf(httpApp: HttpApp, path: string): Promise<number> {
  return (await httpApp.request({ path, ...dbtWebhook() })).status;
}

describe.each(ADAPTERS)('webhook paths on %s', (adapter) => {
  it('match when the URL has a query', async () => {
    const httpApp = await startApp(adapter);
    expect(await statusOf(httpApp, `${DBT}?token=1&x[]=%`)).toBe(200);
  });

  it.each(['/webhooks', '/webhooks/db', '/webhooks/dbtt', '//webhooks/dbt', '/webhooks/dbt/x', '/webhooks%2fdbt'])(
    'do not match %s',
    async (path) => {
      const httpApp = await startApp(adapter);
      expect(await statusOf(httpApp, path)).toBe(404);
    },
  );

  it('take precedence over a controller with parameters, which receives all other requests', async () => {
    @Controller('webhooks')
    class Catchall {
      @Post(':name')
      any(): string {
        return 'host';
      }
    }
    const httpApp = await startApp(adapter, { module: { controllers: [Catchall] } });
    expect(await httpApp.request({ path: '/webhooks/other', body: '' })).toMatchObject({ status: 201, text: 'host' });
    expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 200, body: { status: 'accepted' } });
  });

  it('allow a controller for GET on the same path', async () => {
    @Controller('webhooks/dbt')
    class Page {
      @Get()
      page(): string {
        return 'host';
      }
    }
    const httpApp = await startApp(adapter, { module: { controllers: [Page] } });
    expect(await httpApp.request({ method: 'GET', path: DBT })).toMatchObject({ status: 200, text: 'host' });
    expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 200 });
  });

  it('fail the startup when a controller handles POST on the same path', async () => {
    @Controller('webhooks')
    class Same {
      @Post('dbt')
      receive(): void {}
    }
    await expect(startApp(adapter, { module: { controllers: [Same] } })).rejects.toThrow(/'?\/webhooks\/dbt/);
  });

  it('are separate on Fastify and fail the startup on Express when they differ in case', async () => {
    const sources = [
      dbtCloud({ name: 'lower', path: '/hooks/dbt', secrets }),
      dbtCloud({ name: 'upper', path: '/hooks/DBT', secrets }),
    ];
    const started = startApp(adapter, { webhooks: { sources } });
    if (adapter === 'express') {
      await expect(started).rejects.toThrow('source "lower": its path /hooks/dbt is also the path of another route');
    } else {
      const httpApp = await started;
      expect([await statusOf(httpApp, '/hooks/dbt'), await statusOf(httpApp, '/hooks/DBT')]).toEqual([200, 200]);
    }
  });
});

describe('webhook paths with Express only', () => {
  it.each(['/webhooks/dbt/', '/Webhooks/DBT'])('match %s, as for every Express route', async (path) => {
    expect(await statusOf(await startApp('express'), path)).toBe(200);
  });

  it.each(['/webhooks/dbt/', '/Webhooks/dbt'])('fail the startup when the host has a route on %s', async (path) => {
    @Controller()
    class Same {
      @Post(path)
      receive(): void {}
    }
    await expect(startApp('express', { module: { controllers: [Same] } })).rejects.toThrow(
      'source "dbt": its path /webhooks/dbt is also the path of another route',
    );
  });

  it('fail the startup when a route registered before Nest would receive the webhooks', async () => {
    const app = express();
    app.post(DBT, (_, response) => void response.send('host'));
    await expect(startApp('express', { http: new ExpressAdapter(app) })).rejects.toThrow(
      'is also the path of another route',
    );
  });

  it('leave all methods except POST to a controller for all methods on the same path', async () => {
    @Controller('webhooks/dbt')
    class Page {
      @All()
      any(): string {
        return 'host';
      }
    }
    const httpApp = await startApp('express', { module: { controllers: [Page] } });
    expect(await httpApp.request({ method: 'GET', path: DBT })).toMatchObject({ status: 200, text: 'host' });
    expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 200, body: { status: 'accepted' } });
  });
});

describe('webhook paths with Fastify only', () => {
  const start = (options: object) => startApp('fastify', { http: new FastifyAdapter(options) });

  it.each(['/webhooks/dbt/', '/Webhooks/DBT'])('do not match %s', async (path) => {
    expect(await statusOf(await startApp('fastify'), path)).toBe(404);
  });

  it.each([
    ['a smaller body limit', { bodyLimit: 3 }],
    ['no middleware', { skipMiddie: true }],
    ['its own request ids', { genReqId: () => 'id', requestIdHeader: 'x-id' }],
    ['timeouts', { requestTimeout: 5_000, connectionTimeout: 5_000, keepAliveTimeout: 5_000 }],
    ['errors of its own when closing', { return503OnClosing: false }],
    ['logs', { logger: { level: 'silent' } }],
  ])('receive webhooks with %s', async (_, options) => {
    const httpApp = await start(options);
    expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 200, body: { status: 'accepted' } });
  });

  it('receive webhooks when the host has its own parsers for the content type', async () => {
    const httpApp = await startApp('fastify', {
      main: (app) => (app as NestFastifyApplication).useBodyParser('application/json', { bodyLimit: 5 }),
    });
    expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 200, body: { status: 'accepted' } });
  });

  // light-my-request is a CommonJS file that requires an ESM file, which Jest cannot load on an older Node.
  if (Number.parseInt(process.versions.node, 10) >= 24) {
    it('receive webhooks that a test injects without a network', async () => {
      const httpApp = await startApp('fastify');
      const { body, headers } = dbtWebhook();
      const inject = (payload: Buffer) =>
        (httpApp.app as NestFastifyApplication).inject({ method: 'POST', url: DBT, payload, headers });
      const accepted = await inject(body);
      expect([accepted.statusCode, accepted.json()]).toMatchObject([200, { status: 'accepted' }]);
      expect((await inject(body.subarray(1))).statusCode).toBe(401);
      expect((await inject(Buffer.alloc(0))).statusCode).toBe(400);
      expect((await inject(Buffer.alloc(2_000_000))).statusCode).toBe(413);
    });
  }

  describe('HTTP/2', () => {
    async function post(
      session: ClientHttp2Session,
      body: Uint8Array,
      headers: Record<string, string>,
    ): Promise<{ status: number | undefined; body: unknown }> {
      const stream = session.request({ ':method': 'POST', ':path': DBT, ...headers });
      // A stream that the server ended early is reset once its response has arrived.
      stream.on('error', () => undefined);
      let status: number | undefined;
      stream.once('response', (received) => {
        status = received[':status'];
      });
      stream.end(body);
      return { body: JSON.parse(await text(stream)), status };
    }

    it('returns the same responses as HTTP/1.1', async () => {
      const httpApp = await start({ http2: true });
      const session = connect(`http://127.0.0.1:${httpApp.port}`);
      const good = dbtWebhook();
      const forged = dbtWebhook({ secret: 'forged' });
      expect(await post(session, good.body, good.headers)).toMatchObject({ status: 200, body: { status: 'accepted' } });
      expect(await post(session, good.body, good.headers)).toMatchObject({
        status: 200,
        body: { status: 'duplicate' },
      });
      expect(await post(session, forged.body, forged.headers)).toMatchObject({ status: 401 });
      expect(await post(session, Buffer.alloc(0), good.headers)).toMatchObject({ status: 400 });
      expect(await post(session, good.body, { 'content-encoding': 'gzip' })).toMatchObject({ status: 415 });
      expect(await post(session, Buffer.alloc(5_000_000), good.headers)).toMatchObject({ status: 413 });
      expect(await post(session, ...sized(dbtWebhook()))).toMatchObject({ status: 200, body: { status: 'accepted' } });
      session.close();
      expect(await httpApp.stored()).toBe(2);
    });

    it('stores nothing when an upload is reset', async () => {
      const httpApp = await start({ http2: true });
      const session = connect(`http://127.0.0.1:${httpApp.port}`);
      const { body, headers } = dbtWebhook();
      const stream = session.request({ ':method': 'POST', ':path': DBT, ...headers });
      const closed = new Promise((resolve) => stream.once('close', resolve));
      stream.on('error', () => undefined);
      stream.write(body);
      await new Promise<void>((resolve) => {
        session.ping(() => resolve());
      });
      stream.destroy();
      await closed;
      expect(await post(session, ...sized(dbtWebhook()))).toMatchObject({ status: 200, body: { status: 'accepted' } });
      session.close();
      expect(await httpApp.stored()).toBe(1);
    });

    function sized({
      body,
      headers,
    }: {
      body: Buffer;
      headers: Record<string, string>;
    }): [Buffer, Record<string, string>] {
      return [body, { ...headers, 'content-length': String(body.length) }];
    }
  });
});
