import { Agent, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { LIMITS } from 'nestjs-runhooks/internal';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { signDbtCloud, TEST_SECRETS } from 'nestjs-runhooks/testing';
import { NEST_LIMITS } from 'inside/nest-limits';
import { ADAPTERS, closeApps, DBT, dbtWebhook, startApp, type HttpApp } from './http-app.js';
import { head } from './http-client.js';

afterEach(async () => {
  jest.useRealTimers();
  await closeApps();
});

/** Fakes the timers of the HTTP limits only; sockets have their own clocks. */
function holdTimers(): void {
  jest.useFakeTimers({
    doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate'],
  });
}

/** Resolves with the next request whose head the server has parsed. */
async function nextRequest(httpApp: HttpApp): Promise<IncomingMessage> {
  const [request] = (await once(httpApp.app.getHttpServer() as Server, 'request')) as [IncomingMessage];
  return request;
}

/** Sends a request whose response shows that the app still works. */
async function expectHealthy(httpApp: HttpApp, stored: number): Promise<void> {
  expect(await httpApp.stored()).toBe(stored);
  expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 200, body: { status: 'accepted' } });
}

const SMALL = 1_000;
const small = { sources: [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], bodyBytesMax: SMALL })] };

describe.each(ADAPTERS)('request bodies on %s', (adapter) => {
  describe('missing bodies', () => {
    it.each([
      ['content-length 0', { 'content-length': 0 }],
      ['neither length nor encoding', {}],
      ['content-length 0 and a content type', { 'content-length': 0, 'content-type': 'application/json' }],
    ])('are rejected with 400: %s', async (_, headers) => {
      const httpApp = await startApp(adapter);
      const connection = httpApp.connect();
      await connection.write(head(DBT, headers));
      expect(await connection.until(/\}$/)).toMatch(/^HTTP\/1.1 400 .*"the request has no body"/s);
      await expectHealthy(httpApp, 0);
    });

    it('are rejected with 400 when chunked without a chunk', async () => {
      const httpApp = await startApp(adapter);
      const response = await httpApp.send({ body: Buffer.alloc(0), headers: { 'transfer-encoding': 'chunked' } });
      expect(response).toMatchObject({
        status: 400,
        body: { status: 'bad-request', message: 'the request has no body' },
      });
      await expectHealthy(httpApp, 0);
    });
  });

  describe('incomplete bodies', () => {
    it('are not stored when the sender cuts the connection', async () => {
      const httpApp = await startApp(adapter);
      const { body, headers } = dbtWebhook();
      const connection = httpApp.connect();
      const started = nextRequest(httpApp);
      await connection.write(head(DBT, { ...headers, 'content-length': body.length }));
      await connection.write(body.subarray(0, 100));
      const request = await started;
      const closed = new Promise((resolve) => request.once('close', resolve));
      connection.destroy();
      await closed;
      await expectHealthy(httpApp, 0);
    });

    it('are rejected with 400 when the sender ends early', async () => {
      const httpApp = await startApp(adapter);
      const { body, headers } = dbtWebhook();
      const connection = httpApp.connect();
      await connection.write(head(DBT, { ...headers, 'content-length': body.length + 1 }));
      await connection.write(body);
      connection.finish();
      await connection.closed;
      expect(connection.received).toMatch(/^HTTP\/1.1 400 /);
      await expectHealthy(httpApp, 0);
    });

    it(`are rejected with 400 and a closed connection when the sender takes longer than ${NEST_LIMITS.bodyReadMs} ms`, async () => {
      const httpApp = await startApp(adapter);
      const { body, headers } = dbtWebhook();
      const connection = httpApp.connect();
      const started = nextRequest(httpApp);
      holdTimers();
      await connection.write(head(DBT, { ...headers, 'content-length': body.length + 1 }));
      await connection.write(body);
      await started;
      await setImmediate();
      jest.advanceTimersByTime(NEST_LIMITS.bodyReadMs - 1);
      expect(connection.received).toBe('');
      jest.advanceTimersByTime(1 + NEST_LIMITS.bodyCheckMs);
      expect(await connection.until(/\}$/)).toMatch(/^HTTP\/1.1 400 .*connection: close.*was not complete after/is);
      jest.advanceTimersByTime(NEST_LIMITS.lingerMs);
      await connection.closed;
      jest.useRealTimers();
      await expectHealthy(httpApp, 0);
    });

    it.each([
      ['a chunk size that is no number', 'zz\r\n'],
      ['a chunk longer than it says', '1\r\nab\r\n0\r\n\r\n'],
    ])('are rejected with 400: %s', async (_, chunks) => {
      const httpApp = await startApp(adapter);
      const connection = httpApp.connect();
      await connection.write(head(DBT, { 'transfer-encoding': 'chunked' }) + chunks);
      await connection.closed;
      expect(connection.received).toMatch(/^HTTP\/1.1 400 /);
      await expectHealthy(httpApp, 0);
    });

    it('are rejected with 431 when the request has too many headers', async () => {
      const httpApp = await startApp(adapter);
      const connection = httpApp.connect();
      await connection.write(head(DBT, { 'x-long': 'x'.repeat(20_000), 'content-length': 1 }) + 'x');
      await connection.closed;
      expect(connection.received).toMatch(/^HTTP\/1.1 431 /);
      await expectHealthy(httpApp, 0);
    });

    it('are rejected with 400 when a length and chunks are both set, because the difference could hide a request', async () => {
      const httpApp = await startApp(adapter);
      const connection = httpApp.connect();
      await connection.write(`${head(DBT, { 'content-length': 5, 'transfer-encoding': 'chunked' })}0\r\n\r\n`);
      await connection.closed;
      expect(connection.received).toMatch(/^HTTP\/1.1 400 /);
      await expectHealthy(httpApp, 0);
    });
  });

  describe('oversized bodies', () => {
    const tooLarge = { status: 413, body: { status: 'too-large' } };

    it('are rejected with 413 when one byte too long, and accepted at the limit', async () => {
      const httpApp = await startApp(adapter, { webhooks: small });
      expect(await httpApp.send(signDbtCloud('x'.repeat(SMALL)))).toMatchObject({ status: 200 });
      expect(await httpApp.send(signDbtCloud('x'.repeat(SMALL + 1)))).toMatchObject(tooLarge);
      expect(await httpApp.stored()).toBe(1);
    });

    it('are rejected with 413 when one byte too long without a content-length', async () => {
      const httpApp = await startApp(adapter, { webhooks: small });
      const chunked = { headers: { 'transfer-encoding': 'chunked' } };
      expect(await httpApp.send(signDbtCloud('x'.repeat(SMALL)), DBT, chunked)).toMatchObject({ status: 200 });
      expect(await httpApp.send(signDbtCloud('x'.repeat(SMALL + 1)), DBT, chunked)).toMatchObject(tooLarge);
      expect(await httpApp.stored()).toBe(1);
    });

    it('are rejected with 413 above the default limit of 1 MiB', async () => {
      const httpApp = await startApp(adapter);
      expect(await httpApp.send(signDbtCloud('x'.repeat(LIMITS.bodyBytesMax)))).toMatchObject({ status: 200 });
      expect(await httpApp.send(signDbtCloud('x'.repeat(LIMITS.bodyBytesMax + 1)))).toMatchObject(tooLarge);
    });

    it('are rejected with 413 before any byte was sent', async () => {
      const httpApp = await startApp(adapter);
      const connection = httpApp.connect();
      await connection.write(head(DBT, { 'content-length': 10_000_000_000 }));
      expect(await connection.until(/\}$/)).toMatch(/^HTTP\/1.1 413 .*connection: close/is);
      await expectHealthy(httpApp, 0);
    });

    it.each([
      ['with a content-length', {}],
      ['without', { 'transfer-encoding': 'chunked' }],
    ])('get a 413 that node:http can read while it uploads 20 MiB, %s', async (_, headers) => {
      const httpApp = await startApp(adapter);
      const body = Buffer.alloc(20 * 1024 * 1024, 'x');
      expect(await httpApp.send({ body, headers })).toMatchObject(tooLarge);
      await expectHealthy(httpApp, 0);
    });

    it.each([
      ['with a content-length', () => new Uint8Array(20 * 1024 * 1024)],
      ['without', () => new Blob([new Uint8Array(20 * 1024 * 1024)]).stream()],
    ])('get a 413 that fetch can read while it uploads 20 MiB, %s', async (_, makeBody) => {
      const httpApp = await startApp(adapter);
      const request = { method: 'POST', body: makeBody(), duplex: 'half' } as RequestInit;
      const response = await fetch(`http://127.0.0.1:${httpApp.port}${DBT}`, request);
      expect({ status: response.status, body: await response.json() }).toMatchObject(tooLarge);
      await expectHealthy(httpApp, 0);
    });

    it('get a 413 that a sender can read after it has uploaded everything', async () => {
      const httpApp = await startApp(adapter);
      const connection = httpApp.connect();
      connection.hold();
      const megabyte = 'x'.repeat(0x100000);
      await connection.write(head(DBT, { 'content-length': 20 * megabyte.length }));
      for (let sent = 0; sent < 20; sent += 1) await connection.write(megabyte);
      expect(await connection.until(/\}$/)).toMatch(/^HTTP\/1.1 413 /);
      await connection.closed;
    });

    it('are discarded as they arrive, for a limited time', async () => {
      const httpApp = await startApp(adapter);
      const connection = httpApp.connect();
      holdTimers();
      await connection.write(head(DBT, { 'transfer-encoding': 'chunked' }));
      const megabyte = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
      const before = process.memoryUsage().arrayBuffers;
      for (let sent = 0; sent < 150; sent += 1) await connection.write(megabyte);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(75 * 0x100000);
      expect(connection.received).toMatch(/^HTTP\/1.1 413 /);
      jest.advanceTimersByTime(NEST_LIMITS.lingerMs);
      await connection.closed;
      jest.useRealTimers();
      await expectHealthy(httpApp, 0);
    });
  });

  describe('compressed bodies', () => {
    it.each([
      ['gzip', gzipSync],
      ['GZIP', gzipSync],
      ['br', brotliCompressSync],
      ['identity, gzip', gzipSync],
      ['unheard-of', (body: Buffer) => body],
    ])('are rejected with 415: %s', async (encoding, compress) => {
      const httpApp = await startApp(adapter);
      const plain = dbtWebhook();
      for (const { body, headers } of [{ ...plain, body: compress(plain.body) }, signDbtCloud(compress(plain.body))]) {
        const response = await httpApp.send({ body, headers: { ...headers, 'content-encoding': encoding } });
        expect(response).toMatchObject({ status: 415, body: { status: 'compressed' } });
      }
      await expectHealthy(httpApp, 0);
    });

    it.each(['identity', 'Identity', ''])('are not assumed for encoding %j', async (encoding) => {
      const httpApp = await startApp(adapter);
      const response = await httpApp.send(dbtWebhook(), DBT, { headers: { 'content-encoding': encoding } });
      expect(response).toMatchObject({ status: 200, body: { status: 'accepted' } });
    });
  });

  describe('valid transfer forms', () => {
    it('are accepted byte by byte', async () => {
      const httpApp = await startApp(adapter);
      const { body, headers } = signDbtCloud('{"eventId":"wev_1"}');
      const connection = httpApp.connect();
      for (const byte of head(DBT, { ...headers, 'content-length': body.length })) await connection.write(byte);
      for (const byte of body) await connection.write(Uint8Array.of(byte));
      expect(await connection.until(/\}$/)).toMatch(/^HTTP\/1.1 200 .*"accepted"/s);
    });

    it('are accepted in chunks with extensions and a trailer', async () => {
      const httpApp = await startApp(adapter);
      const { body, headers } = dbtWebhook();
      const connection = httpApp.connect();
      await connection.write(head(DBT, { ...headers, 'transfer-encoding': 'chunked' }));
      for (const byte of body) await connection.write(`1;a=b\r\n${String.fromCharCode(byte)}\r\n`);
      await connection.write('0\r\nauthorization: another\r\n\r\n');
      expect(await connection.until(/\}$/)).toMatch(/^HTTP\/1.1 200 .*"accepted"/s);
    });

    it('are accepted after a 100 Continue', async () => {
      const httpApp = await startApp(adapter);
      const { body, headers } = dbtWebhook();
      const connection = httpApp.connect();
      await connection.write(head(DBT, { ...headers, 'content-length': body.length, expect: '100-continue' }));
      await connection.until(/^HTTP\/1.1 100 Continue\r\n\r\n$/);
      await connection.write(body);
      expect(await connection.until(/\}$/)).toMatch(/HTTP\/1.1 200 .*"accepted"/s);
    });

    it('are accepted over HTTP/1.0', async () => {
      const httpApp = await startApp(adapter);
      const { body, headers } = dbtWebhook();
      const connection = httpApp.connect();
      await connection.write(head(DBT, { ...headers, 'content-length': body.length }).replace('HTTP/1.1', 'HTTP/1.0'));
      await connection.write(body);
      await connection.closed;
      expect(connection.received).toMatch(/^HTTP\/1.1 200 .*connection: close.*"accepted"/is);
    });

    it('are accepted with an upgrade offer, which some HTTP clients send by default', async () => {
      const httpApp = await startApp(adapter);
      const upgrade = {
        connection: 'Upgrade, HTTP2-Settings',
        upgrade: 'h2c',
        'http2-settings': 'AAMAAABkAARAAAAAAAIAAAAA',
      };
      expect(await httpApp.send(dbtWebhook(), DBT, { headers: upgrade })).toMatchObject({ status: 200 });
    });

    it.each([
      ['none'],
      ['text/plain'],
      ['application/x-www-form-urlencoded'],
      ['multipart/form-data'],
      ['application/json; charset=utf-16'],
      ['application/xml'],
      ['###'],
      ['x'.repeat(5_000)],
    ])('are accepted with content type %.40s', async (type) => {
      const httpApp = await startApp(adapter);
      const { body, headers } = dbtWebhook();
      const { 'content-type': _, ...others } = headers;
      const sent = type === 'none' ? others : { ...others, 'content-type': type };
      expect(await httpApp.send({ body, headers: sent })).toMatchObject({ status: 200, body: { status: 'accepted' } });
    });
  });

  describe('connection reuse', () => {
    const { body, headers } = dbtWebhook();
    const good = head(DBT, { ...headers, 'content-length': body.length }) + body.toString();
    const statusesIn = (text: string) => [...text.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status);

    it.each([
      ['a bad signature', head(DBT, { 'content-length': 2, authorization: '0' }) + '{}', '401'],
      ['no body', head(DBT, { 'content-length': 0 }), '400'],
      ['a valid message', good, '200'],
    ])('handles the next request after %s', async (_, first, status) => {
      const httpApp = await startApp(adapter);
      const connection = httpApp.connect();
      await connection.write(first + good);
      const text = await connection.until(/HTTP\/1.1 .*HTTP\/1.1 .*\}$/s);
      expect(statusesIn(text)).toEqual([status, '200']);
    });

    it.each([
      ['too large', {}, '413'],
      ['compressed', { 'content-encoding': 'gzip' }, '415'],
    ])('closes the connection and parses no request from the body when it is %s', async (_, sent, status) => {
      const httpApp = await startApp(adapter);
      const connection = httpApp.connect();
      const requests = good.repeat(LIMITS.bodyBytesMax / good.length + 1);
      await connection.write(head(DBT, { 'content-length': requests.length, ...sent }) + requests);
      await connection.closed;
      expect(statusesIn(connection.received)).toEqual([status]);
      await expectHealthy(httpApp, 0);
    });

    it('allows any number of failed requests on one connection', async () => {
      const httpApp = await startApp(adapter);
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const forged = dbtWebhook({ secret: 'forged' });
      const packed = { ...dbtWebhook(), headers: { 'content-encoding': 'gzip' } };
      const empty = { body: Buffer.alloc(0), headers: {} };
      const statuses: number[] = [];
      for (const webhook of [forged, dbtWebhook(), empty, dbtWebhook(), packed, dbtWebhook()]) {
        statuses.push((await httpApp.send(webhook, DBT, { agent })).status);
      }
      agent.destroy();
      expect(statuses).toEqual([401, 200, 400, 200, 415, 200]);
    });
  });

  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('are left to the host for %s', async (method) => {
    const httpApp = await startApp(adapter);
    const { status, text } = await httpApp.request({ method, path: DBT });
    expect(status).toBe(404);
    if (method !== 'HEAD') expect(JSON.parse(text)).toMatchObject({ statusCode: 404, error: 'Not Found' });
  });
});
