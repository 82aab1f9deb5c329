import { Agent, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { LIMITS } from 'nestjs-runhooks/core';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { signDbtCloud, TEST_SECRETS } from 'nestjs-runhooks/testing';
import { NEST_LIMITS } from 'inside/nest-limits';
import { ADAPTERS, closeApps, DBT, dbtWebhook, startApp, type HttpApp } from './http-app.js';
import { head } from './http-client.js';

afterEach(async () => {
  jest.useRealTimers();
  await closeApps();
});

/** Lets the test say when time passes, for the limits of the edge alone: sockets have clocks of their own. */
function holdTimers(): void {
  jest.useFakeTimers({
    doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'clearImmediate'],
  });
}

/** The next request that the server has read the head of. */
async function nextRequest(edge: HttpApp): Promise<IncomingMessage> {
  const [request] = (await once(edge.app.getHttpServer() as Server, 'request')) as [IncomingMessage];
  return request;
}

/** A request and its answer after which the app is as good as before. */
async function expectHealthy(edge: HttpApp, stored: number): Promise<void> {
  expect(await edge.stored()).toBe(stored);
  expect(await edge.send(dbtWebhook())).toMatchObject({ status: 200, body: { status: 'accepted' } });
}

const SMALL = 1_000;
const small = { sources: [dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], bodyBytesMax: SMALL })] };

describe.each(ADAPTERS)('the body of a request, on %s', (adapter) => {
  describe('that is not there is a 400', () => {
    it.each([
      ['content-length 0', { 'content-length': 0 }],
      ['neither length nor encoding', {}],
      ['content-length 0 and a content type', { 'content-length': 0, 'content-type': 'application/json' }],
    ])('%s', async (_, headers) => {
      const edge = await startApp(adapter);
      const connection = edge.connect();
      await connection.write(head(DBT, headers));
      expect(await connection.until(/\}$/)).toMatch(/^HTTP\/1.1 400 .*"the request has no body"/s);
      await expectHealthy(edge, 0);
    });

    it('chunked without a chunk', async () => {
      const edge = await startApp(adapter);
      const answer = await edge.send({ body: Buffer.alloc(0), headers: { 'transfer-encoding': 'chunked' } });
      expect(answer).toMatchObject({
        status: 400,
        body: { status: 'bad-request', message: 'the request has no body' },
      });
      await expectHealthy(edge, 0);
    });
  });

  describe('that does not arrive whole stores nothing', () => {
    it('the sender cuts the connection', async () => {
      const edge = await startApp(adapter);
      const { body, headers } = dbtWebhook();
      const connection = edge.connect();
      const started = nextRequest(edge);
      await connection.write(head(DBT, { ...headers, 'content-length': body.length }));
      await connection.write(body.subarray(0, 100));
      const request = await started;
      const closed = new Promise((resolve) => request.once('close', resolve));
      connection.destroy();
      await closed;
      await expectHealthy(edge, 0);
    });

    it('the sender says that it is done before it is: 400', async () => {
      const edge = await startApp(adapter);
      const { body, headers } = dbtWebhook();
      const connection = edge.connect();
      await connection.write(head(DBT, { ...headers, 'content-length': body.length + 1 }));
      await connection.write(body);
      connection.finish();
      await connection.closed;
      expect(connection.received).toMatch(/^HTTP\/1.1 400 /);
      await expectHealthy(edge, 0);
    });

    it(`the sender takes longer than ${NEST_LIMITS.bodyReadMs} ms: 400, and the connection is closed`, async () => {
      const edge = await startApp(adapter);
      const { body, headers } = dbtWebhook();
      const connection = edge.connect();
      const started = nextRequest(edge);
      holdTimers();
      await connection.write(head(DBT, { ...headers, 'content-length': body.length + 1 }));
      await connection.write(body);
      await started;
      await setImmediate();
      jest.advanceTimersByTime(NEST_LIMITS.bodyReadMs - 1);
      expect(connection.received).toBe('');
      jest.advanceTimersByTime(1);
      expect(await connection.until(/\}$/)).toMatch(/^HTTP\/1.1 400 .*connection: close.*was not complete after/is);
      jest.advanceTimersByTime(NEST_LIMITS.lingerMs);
      await connection.closed;
      jest.useRealTimers();
      await expectHealthy(edge, 0);
    });

    it.each([
      ['a chunk size that is no number', 'zz\r\n'],
      ['a chunk longer than it says', '1\r\nab\r\n0\r\n\r\n'],
    ])('%s: 400', async (_, chunks) => {
      const edge = await startApp(adapter);
      const connection = edge.connect();
      await connection.write(head(DBT, { 'transfer-encoding': 'chunked' }) + chunks);
      await connection.closed;
      expect(connection.received).toMatch(/^HTTP\/1.1 400 /);
      await expectHealthy(edge, 0);
    });

    it('more headers than any sender has: 431', async () => {
      const edge = await startApp(adapter);
      const connection = edge.connect();
      await connection.write(head(DBT, { 'x-long': 'x'.repeat(20_000), 'content-length': 1 }) + 'x');
      await connection.closed;
      expect(connection.received).toMatch(/^HTTP\/1.1 431 /);
      await expectHealthy(edge, 0);
    });

    it('both a length and chunks: 400, as their difference could hide a request', async () => {
      const edge = await startApp(adapter);
      const connection = edge.connect();
      await connection.write(`${head(DBT, { 'content-length': 5, 'transfer-encoding': 'chunked' })}0\r\n\r\n`);
      await connection.closed;
      expect(connection.received).toMatch(/^HTTP\/1.1 400 /);
      await expectHealthy(edge, 0);
    });
  });

  describe('that is too large is a 413', () => {
    const tooLarge = { status: 413, body: { status: 'too-large' } };

    it('by one byte; with one less it is read', async () => {
      const edge = await startApp(adapter, { webhooks: small });
      expect(await edge.send(signDbtCloud('x'.repeat(SMALL)))).toMatchObject({ status: 200 });
      expect(await edge.send(signDbtCloud('x'.repeat(SMALL + 1)))).toMatchObject(tooLarge);
      expect(await edge.stored()).toBe(1);
    });

    it('by one byte without a content-length', async () => {
      const edge = await startApp(adapter, { webhooks: small });
      const chunked = { headers: { 'transfer-encoding': 'chunked' } };
      expect(await edge.send(signDbtCloud('x'.repeat(SMALL)), DBT, chunked)).toMatchObject({ status: 200 });
      expect(await edge.send(signDbtCloud('x'.repeat(SMALL + 1)), DBT, chunked)).toMatchObject(tooLarge);
      expect(await edge.stored()).toBe(1);
    });

    it('by the default limit of 1 MiB', async () => {
      const edge = await startApp(adapter);
      expect(await edge.send(signDbtCloud('x'.repeat(LIMITS.bodyBytesMax)))).toMatchObject({ status: 200 });
      expect(await edge.send(signDbtCloud('x'.repeat(LIMITS.bodyBytesMax + 1)))).toMatchObject(tooLarge);
    });

    it('before a byte of it was sent', async () => {
      const edge = await startApp(adapter);
      const connection = edge.connect();
      await connection.write(head(DBT, { 'content-length': 10_000_000_000 }));
      expect(await connection.until(/\}$/)).toMatch(/^HTTP\/1.1 413 .*connection: close/is);
      await expectHealthy(edge, 0);
    });

    it.each([
      ['with a content-length', {}],
      ['without', { 'transfer-encoding': 'chunked' }],
    ])('which node:http can read while it uploads 20 MiB, %s', async (_, headers) => {
      const edge = await startApp(adapter);
      const body = Buffer.alloc(20 * 1024 * 1024, 'x');
      expect(await edge.send({ body, headers })).toMatchObject(tooLarge);
      await expectHealthy(edge, 0);
    });

    it.each([
      ['with a content-length', () => new Uint8Array(20 * 1024 * 1024)],
      ['without', () => new Blob([new Uint8Array(20 * 1024 * 1024)]).stream()],
    ])('which fetch can read while it uploads 20 MiB, %s', async (_, makeBody) => {
      const edge = await startApp(adapter);
      const request = { method: 'POST', body: makeBody(), duplex: 'half' } as RequestInit;
      const answer = await fetch(`http://127.0.0.1:${edge.port}${DBT}`, request);
      expect({ status: answer.status, body: await answer.json() }).toMatchObject(tooLarge);
      await expectHealthy(edge, 0);
    });

    it('which a sender can read after it has uploaded all of it', async () => {
      const edge = await startApp(adapter);
      const connection = edge.connect();
      connection.hold();
      const megabyte = 'x'.repeat(0x100000);
      await connection.write(head(DBT, { 'content-length': 20 * megabyte.length }));
      for (let sent = 0; sent < 20; sent += 1) await connection.write(megabyte);
      expect(await connection.until(/\}$/)).toMatch(/^HTTP\/1.1 413 /);
      await connection.closed;
    });

    it('and is thrown away as it comes, for no longer than the sender may need to notice', async () => {
      const edge = await startApp(adapter);
      const connection = edge.connect();
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
      await expectHealthy(edge, 0);
    });
  });

  describe('that is compressed is a 415', () => {
    it.each([
      ['gzip', gzipSync],
      ['GZIP', gzipSync],
      ['br', brotliCompressSync],
      ['identity, gzip', gzipSync],
      ['unheard-of', (body: Buffer) => body],
    ])('%s', async (encoding, compress) => {
      const edge = await startApp(adapter);
      const plain = dbtWebhook();
      for (const { body, headers } of [{ ...plain, body: compress(plain.body) }, signDbtCloud(compress(plain.body))]) {
        const answer = await edge.send({ body, headers: { ...headers, 'content-encoding': encoding } });
        expect(answer).toMatchObject({ status: 415, body: { status: 'compressed' } });
      }
      await expectHealthy(edge, 0);
    });

    it.each(['identity', 'Identity', ''])('but %j is no compression', async (encoding) => {
      const edge = await startApp(adapter);
      const answer = await edge.send(dbtWebhook(), DBT, { headers: { 'content-encoding': encoding } });
      expect(answer).toMatchObject({ status: 200, body: { status: 'accepted' } });
    });
  });

  describe('arrives in any way HTTP knows', () => {
    it('byte by byte', async () => {
      const edge = await startApp(adapter);
      const { body, headers } = signDbtCloud('{"eventId":"wev_1"}');
      const connection = edge.connect();
      for (const byte of head(DBT, { ...headers, 'content-length': body.length })) await connection.write(byte);
      for (const byte of body) await connection.write(Uint8Array.of(byte));
      expect(await connection.until(/\}$/)).toMatch(/^HTTP\/1.1 200 .*"accepted"/s);
    });

    it('in chunks, with extensions and a trailer', async () => {
      const edge = await startApp(adapter);
      const { body, headers } = dbtWebhook();
      const connection = edge.connect();
      await connection.write(head(DBT, { ...headers, 'transfer-encoding': 'chunked' }));
      for (const byte of body) await connection.write(`1;a=b\r\n${String.fromCharCode(byte)}\r\n`);
      await connection.write('0\r\nauthorization: another\r\n\r\n');
      expect(await connection.until(/\}$/)).toMatch(/^HTTP\/1.1 200 .*"accepted"/s);
    });

    it('after a 100 Continue', async () => {
      const edge = await startApp(adapter);
      const { body, headers } = dbtWebhook();
      const connection = edge.connect();
      await connection.write(head(DBT, { ...headers, 'content-length': body.length, expect: '100-continue' }));
      await connection.until(/^HTTP\/1.1 100 Continue\r\n\r\n$/);
      await connection.write(body);
      expect(await connection.until(/\}$/)).toMatch(/HTTP\/1.1 200 .*"accepted"/s);
    });

    it('over HTTP/1.0', async () => {
      const edge = await startApp(adapter);
      const { body, headers } = dbtWebhook();
      const connection = edge.connect();
      await connection.write(head(DBT, { ...headers, 'content-length': body.length }).replace('HTTP/1.1', 'HTTP/1.0'));
      await connection.write(body);
      await connection.closed;
      expect(connection.received).toMatch(/^HTTP\/1.1 200 .*connection: close.*"accepted"/is);
    });

    it('with an offer to upgrade, as some HTTP clients make by default', async () => {
      const edge = await startApp(adapter);
      const upgrade = {
        connection: 'Upgrade, HTTP2-Settings',
        upgrade: 'h2c',
        'http2-settings': 'AAMAAABkAARAAAAAAAIAAAAA',
      };
      expect(await edge.send(dbtWebhook(), DBT, { headers: upgrade })).toMatchObject({ status: 200 });
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
    ])('under the content type %.40s', async (type) => {
      const edge = await startApp(adapter);
      const { body, headers } = dbtWebhook();
      const { 'content-type': _, ...others } = headers;
      const sent = type === 'none' ? others : { ...others, 'content-type': type };
      expect(await edge.send({ body, headers: sent })).toMatchObject({ status: 200, body: { status: 'accepted' } });
    });
  });

  describe('never becomes part of the next request on its connection', () => {
    const { body, headers } = dbtWebhook();
    const good = head(DBT, { ...headers, 'content-length': body.length }) + body.toString();
    const answers = (text: string) => [...text.matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status);

    it.each([
      ['a bad signature', head(DBT, { 'content-length': 2, authorization: '0' }) + '{}', '401'],
      ['no body', head(DBT, { 'content-length': 0 }), '400'],
      ['a message before', good, '200'],
    ])('after %s the next one is answered', async (_, first, status) => {
      const edge = await startApp(adapter);
      const connection = edge.connect();
      await connection.write(first + good);
      const text = await connection.until(/HTTP\/1.1 .*HTTP\/1.1 .*\}$/s);
      expect(answers(text)).toEqual([status, '200']);
    });

    it.each([
      ['too large', {}, '413'],
      ['compressed', { 'content-encoding': 'gzip' }, '415'],
    ])('if it is %s, the connection is closed and nothing in it is taken for a request', async (_, sent, status) => {
      const edge = await startApp(adapter);
      const connection = edge.connect();
      const requests = good.repeat(LIMITS.bodyBytesMax / good.length + 1);
      await connection.write(head(DBT, { 'content-length': requests.length, ...sent }) + requests);
      await connection.closed;
      expect(answers(connection.received)).toEqual([status]);
      await expectHealthy(edge, 0);
    });

    it('a sender that keeps its connection may fail as often as it likes', async () => {
      const edge = await startApp(adapter);
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const forged = dbtWebhook({ secret: 'forged' });
      const packed = { ...dbtWebhook(), headers: { 'content-encoding': 'gzip' } };
      const empty = { body: Buffer.alloc(0), headers: {} };
      const statuses: number[] = [];
      for (const webhook of [forged, dbtWebhook(), empty, dbtWebhook(), packed, dbtWebhook()]) {
        statuses.push((await edge.send(webhook, DBT, { agent })).status);
      }
      agent.destroy();
      expect(statuses).toEqual([401, 200, 400, 200, 415, 200]);
    });
  });

  it.each(['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is the business of the host', async (method) => {
    const edge = await startApp(adapter);
    const { status, text } = await edge.request({ method, path: DBT });
    expect(status).toBe(404);
    if (method !== 'HEAD') expect(JSON.parse(text)).toMatchObject({ statusCode: 404, error: 'Not Found' });
  });
});
