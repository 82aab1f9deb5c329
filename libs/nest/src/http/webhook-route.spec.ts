import { createServer, request, type OutgoingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Appended, Store } from 'nestjs-runhooks/core';
import {
  IdSequence,
  lineLogger,
  openSources,
  Receiver,
  Refusals,
  StoreGuard,
  systemClock,
} from 'nestjs-runhooks/internal';
import { createWebhookRoute, type WebhookRouteOptions } from './webhook-route.js';
import { BodyTimer } from './body-timer.js';
import { HeldBodies } from './held-bodies.js';

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

const [source] = openSources([
  {
    name: 'any',
    provider: 'any',
    bodyBytesMax: 10,
    open: () => ({
      name: 'any',
      signature: 'any',
      isOpenToAnyone: false,
      headersKept: [],
      verify: () => ({ ok: true }),
      identify: () => '',
      parse: () => ({ state: 'quarantined', reason: 'not parsed here' }),
    }),
  },
]);

const fail = (): never => {
  throw new Error('by the app');
};

interface Received {
  readonly status: number | undefined;
  readonly body: unknown;
  readonly logged: readonly string[];
}

/** Sends one request to a route behind plain `node:http`, without any framework. */
async function post(
  options: Partial<WebhookRouteOptions> & { append?: () => Promise<Appended> },
  body: string,
  headers: OutgoingHttpHeaders = {},
): Promise<Received> {
  const logged: string[] = [];
  const log = (line: string): void => void logged.push(line);
  const logger = { debug: () => undefined, log, warn: log, error: log };
  const { append = () => Promise.reject(new Error('the store was called')), ...others } = options;
  const store = { append } as unknown as Store;
  const clock = systemClock;
  const refusals = new Refusals({ store, clock, logger, guard: new StoreGuard(logger) });
  const receiver = new Receiver({
    store,
    clock,
    refusals,
    ids: new IdSequence(),
    logger,
    onAccepted: () => undefined,
  });
  const bodies = HeldBodies.of([source!]);
  const route = createWebhookRoute({
    source: source!,
    receiver,
    refusals,
    logger,
    bodies,
    timer: new BodyTimer(),
    isAccepting: () => true,
    ...others,
  });
  const server = createServer(route).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return await new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, method: 'POST', headers, agent: false }, (response) => {
      json(response).then((parsed) => resolve({ status: response.statusCode, body: parsed, logged }), reject);
    })
      .on('error', reject)
      .end(body);
  });
}

describe('createWebhookRoute', () => {
  it('checks shutdown, compression and size before it calls the store', async () => {
    const tooLarge = 'x'.repeat(11);
    const packed = { 'content-encoding': 'gzip' };
    expect((await post({ isAccepting: () => false }, tooLarge, packed)).status).toBe(503);
    expect((await post({}, tooLarge, packed)).status).toBe(415);
    expect((await post({}, tooLarge)).status).toBe(413);
    expect((await post({}, '')).status).toBe(400);
    expect((await post({}, 'x')).status).toBe(500);
  });

  it('responds with 503 if too many bodies are held, and releases each body with its response', async () => {
    const bodies = new HeldBodies({ requestsMax: 1, bytesMax: 10 });
    const held = bodies.hold();
    const busy = await post({ bodies }, 'x');
    expect(busy).toMatchObject({ status: 503, body: { status: 'unavailable' } });
    expect(busy.logged).toEqual([
      expect.stringContaining('Source "any" is responding with 503: the app holds the maximum of request bodies'),
    ]);
    held?.release();
    expect((await post({ bodies }, 'x')).status).toBe(500);
    expect((await post({ bodies }, '')).status).toBe(400);
    expect((await post({ bodies: new HeldBodies({ requestsMax: 1, bytesMax: 1 }) }, 'xx')).status).toBe(503);
    expect(bodies.held).toEqual({ requests: 0, bytes: 0 });
  });

  it('releases the body before the store has stored it', async () => {
    const bodies = new HeldBodies({ requestsMax: 1, bytesMax: 10 });
    let heldDuringAppend: unknown;
    const append = (): Promise<Appended> => {
      heldDuringAppend = bodies.held;
      return Promise.resolve({ status: 'accepted', id: 'msg_1' });
    };
    expect((await post({ bodies, append }, 'x')).status).toBe(200);
    expect(heldDuringAppend).toEqual({ requests: 0, bytes: 0 });
  });

  it('responds if the logger throws', async () => {
    const logger = lineLogger({ debug: fail, log: fail, warn: fail, error: fail });
    expect((await post({ logger }, 'x')).status).toBe(500);
  });

  it('needs no framework', async () => {
    const received = await post({ append: () => Promise.resolve({ status: 'accepted', id: 'msg_1' }) }, 'x');
    expect(received).toEqual({
      status: 200,
      body: { status: 'accepted', message: 'stored', id: 'msg_1' },
      logged: ['Message msg_1 from source "any" was accepted'],
    });
  });

  it('logs the reason of the first rejection and counts the next ones', async () => {
    const { logged } = await post({}, 'x'.repeat(11));
    expect(logged).toEqual([
      'Source "any" rejected a request: 413 too-large (the body is larger than this source accepts). Further rejections are counted',
    ]);
  });

  it('responds with 500 and logs it once, whatever the store throws', async () => {
    for (const thrown of [new Error('odd'), 'odd', undefined, null]) {
      const { status, body, logged } = await post({ append: () => Promise.reject(thrown) }, 'x');
      expect({ status, body }).toEqual({
        status: 500,
        body: { status: 'error', message: 'the message could not be received; the log of the app has the reason' },
      });
      expect(logged).toEqual([expect.stringMatching(/^Source "any" is responding with 500: receiving failed with /)]);
    }
  });
});
