import { once } from 'node:events';
import { createServer, IncomingMessage, ServerResponse, type OutgoingHttpHeaders } from 'node:http';
import {
  constants,
  connect as connectHttp2,
  createServer as createHttp2Server,
  type Http2ServerResponse,
} from 'node:http2';
import { Socket, type AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { NEST_LIMITS } from '../limits.js';
import { RESPONSES, type WebhookResponse } from './responses.js';
import { sendResponse } from './send-response.js';

afterEach(() => {
  jest.useRealTimers();
});

/** Returns a request and its response, with the headers that were written. */
function exchange({ isBodyRead = false, httpVersionMajor = 1 } = {}) {
  const request = Object.assign(new IncomingMessage(new Socket()), { httpVersionMajor });
  if (isBodyRead) request.resume().push(null);
  const written: OutgoingHttpHeaders = {};
  class Response extends ServerResponse {
    override writeHead(statusCode: number, headers?: unknown): this {
      Object.assign(written, headers);
      return super.writeHead(statusCode, headers as OutgoingHttpHeaders);
    }
  }
  return { request, response: new Response(request), headers: written };
}

/** Sends a response without interference by the app. */
function send(request: IncomingMessage, response: ServerResponse, content: WebhookResponse): void {
  sendResponse(request, response, content, (trouble) => {
    throw trouble;
  });
}

describe('sendResponse', () => {
  it('ends the response and keeps the connection if the body was read', async () => {
    const { request, response, headers } = exchange({ isBodyRead: true });
    await setImmediate();
    send(request, response, { statusCode: 200, status: 'accepted', message: 'störed', id: 'msg_1' });
    expect(response.writableEnded).toBe(true);
    expect(headers).toEqual({ 'content-type': 'application/json; charset=utf-8', 'content-length': 54 });
  });

  it.each(['unavailable', 'closing'] as const)('sends Retry-After with the response %s', async (name) => {
    const { request, response, headers } = exchange({ isBodyRead: true });
    await setImmediate();
    send(request, response, RESPONSES[name]);
    expect([response.statusCode, headers['retry-after']]).toEqual([503, NEST_LIMITS.retryAfterSeconds]);
  });

  it('closes the connection if the body was not read, without the header that HTTP/2 forbids', () => {
    for (const [httpVersionMajor, connection] of [
      [1, 'close'],
      [2, undefined],
    ] as const) {
      const { request, response, headers } = exchange({ httpVersionMajor });
      send(request, response, RESPONSES.compressed);
      expect(headers['connection']).toBe(connection);
      request.destroy();
    }
  });

  it('ends the response to an unread body when the body has arrived', async () => {
    const { request, response } = exchange();
    send(request, response, RESPONSES['too-large']);
    expect(response.writableEnded).toBe(false);
    request.push('the rest');
    request.push(null);
    await setImmediate();
    expect(response.writableEnded).toBe(true);
  });

  it('waits for the rest of an unread body for at most lingerMs', () => {
    jest.useFakeTimers();
    const { request, response } = exchange();
    send(request, response, RESPONSES['too-large']);
    jest.advanceTimersByTime(NEST_LIMITS.lingerMs - 1);
    expect(response.writableEnded).toBe(false);
    jest.advanceTimersByTime(1);
    expect(response.writableEnded).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('waits for an app that ends its responses later, even if the body was not read', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    const { request, response } = exchange();
    let end = (): void => undefined;
    const original = response.end.bind(response);
    // The package `compression` also writes the last bytes later.
    Object.assign(response, { end: () => (end = () => void original('the last bytes')) });
    send(request, response, RESPONSES['too-large']);
    request.push(null);
    await setImmediate();
    jest.advanceTimersByTime(NEST_LIMITS.lingerMs - 1);
    expect(response.writableEnded).toBe(false);
    end();
    expect(response.writableEnded).toBe(true);
  });

  it('ends the response to an unread body itself if the app does not within lingerMs', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    const { request, response } = exchange();
    Object.assign(response, { end: () => undefined });
    send(request, response, RESPONSES['too-large']);
    request.push(null);
    await setImmediate();
    jest.advanceTimersByTime(NEST_LIMITS.lingerMs);
    expect(response.writableEnded).toBe(true);
  });

  it('sends nothing if the app has responded or the connection is closed', () => {
    const ended = exchange();
    ended.response.writeHead(204).end();
    send(ended.request, ended.response, RESPONSES.failed);
    expect(ended.response.statusCode).toBe(204);
    const closed = exchange();
    closed.response.destroy();
    send(closed.request, closed.response, RESPONSES.failed);
    expect(closed.response.headersSent).toBe(false);
  });
});

/** Returns the response that a client gets from a real server whose app calls `before` first. */
async function received(before: (response: ServerResponse) => void, content: WebhookResponse) {
  const troubles: string[] = [];
  const server = createServer((incoming, response) => {
    before(response);
    incoming.resume().once('end', () => {
      sendResponse(incoming, response, content, (trouble) => troubles.push(String(trouble)));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const got = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body: 'x' }).then(
    async (response) => ({ status: response.status, text: await response.text().catch(() => 'cut off') }),
    () => 'cut off',
  );
  server.closeAllConnections();
  server.close();
  return { got, troubles };
}

const OK: WebhookResponse = { statusCode: 200, status: 'accepted', message: 'stored' };
const OK_TEXT = '{"status":"accepted","message":"stored"}';
const fail = (): never => {
  throw new Error('by the app');
};

describe('sendResponse, if code of the app changes the response', () => {
  it.each(['writeHead', 'end', 'on'] as const)('sends the response if %s throws', async (name) => {
    const { got, troubles } = await received((response) => Object.assign(response, { [name]: fail }), OK);
    expect(got).toEqual({ status: 200, text: OK_TEXT });
    expect(troubles).toEqual(['Error: by the app']);
  });

  it.each(['writeHead', 'end'] as const)('sends the response if the app throws after %s', async (name) => {
    const { got, troubles } = await received((response) => {
      const original = response[name].bind(response) as (...args: unknown[]) => unknown;
      Object.assign(response, { [name]: (...args: unknown[]) => (original(...args), fail()) });
    }, OK);
    expect(got).toEqual({ status: 200, text: OK_TEXT });
    expect(troubles).toEqual(['Error: by the app']);
  });

  it.each<[title: string, socket: unknown]>([
    ['an object that is no socket', {}],
    ['no socket', undefined],
  ])('throws nothing, even later, if the request has %s and writeHead throws', async (_, socket) => {
    const request = Object.assign(new IncomingMessage(socket as Socket), { httpVersionMajor: 1 });
    const response = new ServerResponse(request).on('error', () => undefined);
    Object.assign(response, { writeHead: fail });
    const troubles: unknown[] = [];
    expect(() => sendResponse(request, response, OK, (trouble) => troubles.push(trouble))).not.toThrow();
    expect(() => response.emit('finish')).not.toThrow();
    expect(troubles).toHaveLength(1);
    await setImmediate();
  });

  it('sends no success status for a message that was not stored if writeHead does nothing', async () => {
    const { got } = await received(
      (response) => Object.assign(response, { writeHead: () => response }),
      RESPONSES.failed,
    );
    expect(got).toBe('cut off');
  });

  it('ends the response after a while if the app never does', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'Date', 'performance'] });
    const got = received((response) => {
      Object.assign(response, { end: () => process.nextTick(() => jest.advanceTimersByTime(NEST_LIMITS.lingerMs)) });
    }, OK);
    expect(await got).toEqual({ got: { status: 200, text: OK_TEXT }, troubles: [] });
  });

  it('keeps the status that the app has sent if it flushed the headers', async () => {
    expect(await received((response) => response.flushHeaders(), OK)).toEqual({
      got: { status: 200, text: '' },
      troubles: [],
    });
    expect(await received((response) => response.writeHead(202).flushHeaders(), OK)).toEqual({
      got: { status: 202, text: '' },
      troubles: ['the app had sent the status 202 before the response 200'],
    });
    expect(await received((response) => response.writeHead(503).write('app'), RESPONSES.failed)).toMatchObject({
      got: { status: 503, text: 'app' },
    });
  });

  it('closes the connection if the app has sent a success status for a message that was not stored', async () => {
    const { got, troubles } = await received((response) => response.flushHeaders(), RESPONSES.unavailable);
    expect(got).toEqual(expect.objectContaining({ text: 'cut off' }));
    expect(troubles).toEqual(['the app had sent the status 200 before the response 503']);
    const changed = await received((response) => {
      const original = response.writeHead.bind(response);
      Object.assign(response, { writeHead: () => original(200) });
    }, RESPONSES.unavailable);
    expect(changed).toEqual({ got: 'cut off', troubles: ['the app changed the status 503 of the response to 200'] });
  });

  it('closes the connection if the app has sent a content-length', async () => {
    const { got } = await received((response) => response.writeHead(200, { 'content-length': 5 }).flushHeaders(), OK);
    expect(got).toEqual({ status: 200, text: 'cut off' });
  });

  it.each<[title: string, before: (response: Http2ServerResponse) => unknown, content: WebhookResponse, text: string]>([
    ['flushed headers', (response) => response.writeHead(200), OK, ''],
    ['end that throws', (response) => Object.assign(response, { end: fail }), OK, OK_TEXT],
    ['writeHead that throws', (response) => Object.assign(response, { writeHead: fail }), OK, OK_TEXT],
    ['flushed headers and nothing stored', (response) => response.writeHead(200), RESPONSES.failed, 'cut off'],
  ])('works over HTTP/2: %s', async (_, before, content, expected) => {
    const server = createHttp2Server((incoming, response) => {
      before(response);
      incoming.resume().once('end', () => sendResponse(incoming as never, response as never, content, () => undefined));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const stream = client.request({ ':method': 'POST' });
    stream.end('x');
    let text = '';
    stream.on('data', (chunk) => (text += String(chunk)));
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.once('close', resolve));
    client.destroy();
    server.close();
    expect(stream.rstCode === constants.NGHTTP2_NO_ERROR ? text : 'cut off').toBe(expected);
  });
});
