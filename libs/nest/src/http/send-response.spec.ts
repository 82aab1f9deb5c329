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
import { LIMITS } from 'nestjs-runhooks/core';
import { ANSWERS, type Answer } from './responses.js';
import { sendAnswer } from './send-response.js';

afterEach(() => {
  jest.useRealTimers();
});

/** A request and its response, with the headers that were said. */
function exchange({ isBodyRead = false, httpVersionMajor = 1 } = {}) {
  const request = Object.assign(new IncomingMessage(new Socket()), { httpVersionMajor });
  if (isBodyRead) request.resume().push(null);
  const said: OutgoingHttpHeaders = {};
  class Response extends ServerResponse {
    override writeHead(statusCode: number, headers?: unknown): this {
      Object.assign(said, headers);
      return super.writeHead(statusCode, headers as OutgoingHttpHeaders);
    }
  }
  return { request, response: new Response(request), said };
}

/** Nothing of the host's stands in the way of these. */
function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  sendAnswer(request, response, answer, (trouble) => {
    throw trouble;
  });
}

describe('sendAnswer', () => {
  it('ends the answer and keeps the connection when the body was read', async () => {
    const { request, response, said } = exchange({ isBodyRead: true });
    await setImmediate();
    send(request, response, { statusCode: 200, status: 'accepted', message: 'störed', id: 'msg_1' });
    expect(response.writableEnded).toBe(true);
    expect(said).toEqual({ 'content-type': 'application/json; charset=utf-8', 'content-length': 54 });
  });

  it.each(['unavailable', 'closing'] as const)('says when to come back if %s', async (name) => {
    const { request, response, said } = exchange({ isBodyRead: true });
    await setImmediate();
    send(request, response, ANSWERS[name]);
    expect([response.statusCode, said['retry-after']]).toEqual([503, LIMITS.retryAfterSeconds]);
  });

  it('closes an unread connection, but never by a header that HTTP/2 forbids', () => {
    for (const [httpVersionMajor, connection] of [
      [1, 'close'],
      [2, undefined],
    ] as const) {
      const { request, response, said } = exchange({ httpVersionMajor });
      send(request, response, ANSWERS.compressed);
      expect(said['connection']).toBe(connection);
      request.destroy();
    }
  });

  it('ends an answer to an unread body when the sender has sent all of it', async () => {
    const { request, response } = exchange();
    send(request, response, ANSWERS['too-large']);
    expect(response.writableEnded).toBe(false);
    request.push('the rest');
    request.push(null);
    await setImmediate();
    expect(response.writableEnded).toBe(true);
  });

  it('waits for the rest of an unread body no longer than its limit', () => {
    jest.useFakeTimers();
    const { request, response } = exchange();
    send(request, response, ANSWERS['too-large']);
    jest.advanceTimersByTime(LIMITS.lingerMs - 1);
    expect(response.writableEnded).toBe(false);
    jest.advanceTimersByTime(1);
    expect(response.writableEnded).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('leaves a host that ends its answers later the time to do so, also to a body that is not read', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    const { request, response } = exchange();
    let end = (): void => undefined;
    const original = response.end.bind(response);
    // As `compression` does: the last bytes of the answer come later.
    Object.assign(response, { end: () => (end = () => void original('the last bytes')) });
    send(request, response, ANSWERS['too-large']);
    request.push(null);
    await setImmediate();
    jest.advanceTimersByTime(LIMITS.lingerMs - 1);
    expect(response.writableEnded).toBe(false);
    end();
    expect(response.writableEnded).toBe(true);
  });

  it('does not wait for ever for a host that ends its answer to an unread body later', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    const { request, response } = exchange();
    Object.assign(response, { end: () => undefined });
    send(request, response, ANSWERS['too-large']);
    request.push(null);
    await setImmediate();
    jest.advanceTimersByTime(LIMITS.lingerMs);
    expect(response.writableEnded).toBe(true);
  });

  it('says nothing where the host has answered, or nobody is left to hear it', () => {
    const answered = exchange();
    answered.response.writeHead(204).end();
    send(answered.request, answered.response, ANSWERS.failed);
    expect(answered.response.statusCode).toBe(204);
    const gone = exchange();
    gone.response.destroy();
    send(gone.request, gone.response, ANSWERS.failed);
    expect(gone.response.headersSent).toBe(false);
  });
});

/** What a client of a real server gets whose host does `before` and then has the answer sent. */
async function answered(before: (response: ServerResponse) => void, answer: Answer) {
  const troubles: string[] = [];
  const server = createServer((incoming, response) => {
    before(response);
    incoming.resume().once('end', () => {
      sendAnswer(incoming, response, answer, (trouble) => troubles.push(String(trouble)));
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

const OK: Answer = { statusCode: 200, status: 'accepted', message: 'stored' };
const OK_TEXT = '{"status":"accepted","message":"stored"}';
const fail = (): never => {
  throw new Error('by the host');
};

describe('sendAnswer, where code of the host stands in the response', () => {
  it.each(['writeHead', 'end', 'on'] as const)('that throws in %s: the answer is sent all the same', async (name) => {
    const { got, troubles } = await answered((response) => Object.assign(response, { [name]: fail }), OK);
    expect(got).toEqual({ status: 200, text: OK_TEXT });
    expect(troubles).toEqual(['Error: by the host']);
  });

  it.each(['writeHead', 'end'] as const)('that throws after %s: the sender has the answer', async (name) => {
    const { got, troubles } = await answered((response) => {
      const original = response[name].bind(response) as (...args: unknown[]) => unknown;
      Object.assign(response, { [name]: (...args: unknown[]) => (original(...args), fail()) });
    }, OK);
    expect(got).toEqual({ status: 200, text: OK_TEXT });
    expect(troubles).toEqual(['Error: by the host']);
  });

  it.each<[title: string, socket: unknown]>([
    ['a socket that is none', {}],
    ['no socket', undefined],
  ])('that throws, with %s: nothing is thrown, then or later', async (_, socket) => {
    const request = Object.assign(new IncomingMessage(socket as Socket), { httpVersionMajor: 1 });
    const response = new ServerResponse(request).on('error', () => undefined);
    Object.assign(response, { writeHead: fail });
    const troubles: unknown[] = [];
    expect(() => sendAnswer(request, response, OK, (trouble) => troubles.push(trouble))).not.toThrow();
    expect(() => response.emit('finish')).not.toThrow();
    expect(troubles).toHaveLength(1);
    await setImmediate();
  });

  it('that does nothing in writeHead: no status is sent that acknowledges what was not stored', async () => {
    const { got } = await answered(
      (response) => Object.assign(response, { writeHead: () => response }),
      ANSWERS.failed,
    );
    expect(got).toBe('cut off');
  });

  it('that never ends: it is ended after a while', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'Date', 'performance'] });
    const got = answered((response) => {
      Object.assign(response, { end: () => process.nextTick(() => jest.advanceTimersByTime(LIMITS.lingerMs)) });
    }, OK);
    expect(await got).toEqual({ got: { status: 200, text: OK_TEXT }, troubles: [] });
  });

  it('that has flushed headers: the answer ends, with the status that was sent', async () => {
    expect(await answered((response) => response.flushHeaders(), OK)).toEqual({
      got: { status: 200, text: '' },
      troubles: [],
    });
    expect(await answered((response) => response.writeHead(202).flushHeaders(), OK)).toEqual({
      got: { status: 202, text: '' },
      troubles: ['the app had sent the status 202 before the answer 200'],
    });
    expect(await answered((response) => response.writeHead(503).write('host'), ANSWERS.failed)).toMatchObject({
      got: { status: 503, text: 'host' },
    });
  });

  it('that has acknowledged what is then not stored: the sender is cut off, and sends again', async () => {
    const { got, troubles } = await answered((response) => response.flushHeaders(), ANSWERS.unavailable);
    expect(got).toEqual(expect.objectContaining({ text: 'cut off' }));
    expect(troubles).toEqual(['the app had sent the status 200 before the answer 503']);
    const changed = await answered((response) => {
      const original = response.writeHead.bind(response);
      Object.assign(response, { writeHead: () => original(200) });
    }, ANSWERS.unavailable);
    expect(changed).toEqual({ got: 'cut off', troubles: ['the app made the status 200 of the answer 503'] });
  });

  it('that has announced a length: the sender does not wait for the rest', async () => {
    const { got } = await answered((response) => response.writeHead(200, { 'content-length': 5 }).flushHeaders(), OK);
    expect(got).toEqual({ status: 200, text: 'cut off' });
  });

  it.each<[title: string, before: (response: Http2ServerResponse) => unknown, answer: Answer, text: string]>([
    ['flushed headers', (response) => response.writeHead(200), OK, ''],
    ['end that throws', (response) => Object.assign(response, { end: fail }), OK, OK_TEXT],
    ['writeHead that throws', (response) => Object.assign(response, { writeHead: fail }), OK, OK_TEXT],
    ['flushed headers and nothing stored', (response) => response.writeHead(200), ANSWERS.failed, 'cut off'],
  ])('of HTTP/2: %s', async (_, before, answer, expected) => {
    const server = createHttp2Server((incoming, response) => {
      before(response);
      incoming.resume().once('end', () => sendAnswer(incoming as never, response as never, answer, () => undefined));
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
