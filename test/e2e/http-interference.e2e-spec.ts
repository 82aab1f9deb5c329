import type { IncomingMessage, ServerResponse } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import express from 'express';
import fc from 'fast-check';
import { LIMITS } from 'nestjs-runhooks/internal';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { signDbtCloud, TEST_SECRETS } from 'nestjs-runhooks/testing';
import { NEST_LIMITS } from 'inside/nest-limits';
import { until } from '../dispatch/dispatch-harness.js';
import { checkProperty, PROPERTY_TEST_MS } from '../property.js';
import {
  ADAPTERS,
  closeApps,
  DBT,
  dbtWebhook,
  instanceOf,
  startApp,
  type AdapterName,
  type HttpApp,
} from './http-app.js';
import { head } from './http-client.js';

afterEach(async () => {
  jest.useRealTimers();
  await closeApps();
});

type Interfere = (request: IncomingMessage, response: ServerResponse) => void;

/** Starts an app whose host runs `interfere` on each request before Runhooks receives it. */
async function startWith(adapter: AdapterName, interfere: Interfere): Promise<HttpApp> {
  if (adapter === 'fastify') {
    return await startApp(adapter, {
      main: (app) =>
        instanceOf<{ addHook(name: string, hook: unknown): void }>(app).addHook(
          'onRequest',
          ({ raw }: { raw: IncomingMessage }, reply: { raw: ServerResponse }, done: () => void) => {
            interfere(raw, reply.raw);
            done();
          },
        ),
    });
  }
  const host = express();
  host.use((request, response, next) => {
    interfere(request, response);
    next();
  });
  return await startApp(adapter, { http: new ExpressAdapter(host) });
}

const fail = (): never => {
  throw new Error('by the host');
};

const ENCODINGS = ['utf8', 'latin1', 'hex', 'base64', 'utf16le'] as const;

describe.each(ADAPTERS)('a host on %s', (adapter) => {
  it.each(ENCODINGS)('accepts a webhook and enforces the byte limit when it decodes bodies as %s', async (encoding) => {
    let seen = 0;
    const httpApp = await startWith(adapter, (request) => {
      request.setEncoding(encoding).on('data', () => (seen += 1));
    });
    // In UTF-16, Node drops the last byte of an odd number of bytes, and it cannot be restored.
    let webhook = dbtWebhook();
    while (webhook.body.length % 2 > 0) webhook = dbtWebhook();
    expect(await httpApp.send(webhook)).toMatchObject({ status: 200, body: { status: 'accepted' } });
    expect(await httpApp.send(dbtWebhook({ secret: 'forged' }))).toMatchObject({ status: 401 });
    const padding = (bytes: number) => signDbtCloud(Buffer.alloc(bytes, 'ä'));
    // The body has 512 Ki characters in many chunks; the limit counts bytes.
    expect(await httpApp.send(padding(LIMITS.bodyBytesMax))).toMatchObject({ status: 200 });
    expect((await httpApp.send(padding(LIMITS.bodyBytesMax + 2))).status).toBe(413);
    expect(await httpApp.stored()).toBe(2);
    expect(seen).toBeGreaterThan(2);
  });

  it.each([
    ['ascii', '{"name":"Zoe"}', '{"name":"Zoë"}'],
    ['utf16le', '{"even":1}', '{"odd":"1"}'],
    ['utf8', '{"name":"Zoë"}', Buffer.from('{"name":"Zo\xeb"}', 'latin1')],
  ] as const)('rejects a webhook with 401 when decoding its body as %s loses bytes', async (encoding, kept, lost) => {
    const httpApp = await startWith(adapter, (request) => void request.setEncoding(encoding));
    expect(await httpApp.send(signDbtCloud(kept))).toMatchObject({ status: 200 });
    expect(await httpApp.send(signDbtCloud(lost))).toMatchObject({
      status: 401,
      body: { status: 'signature-mismatch' },
    });
    expect(await httpApp.stored()).toBe(1);
  });

  it.each<[title: string, interfere: Interfere]>([
    ['paused requests', (request) => request.pause()],
    ['a tap that pauses', (request) => request.on('data', () => request.pause())],
    ['a listener that reads by hand', (request) => request.on('readable', () => undefined)],
    ['writeHead that throws', (_, response) => Object.assign(response, { writeHead: fail })],
    ['end that throws', (_, response) => Object.assign(response, { end: fail })],
  ])('receives webhooks with %s', async (_, interfere) => {
    const httpApp = await startWith(adapter, interfere);
    expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 200, body: { status: 'accepted' } });
    expect(await httpApp.send(dbtWebhook({ secret: 'forged' }))).toMatchObject({ status: 401 });
    expect(await httpApp.stored()).toBe(1);
  });

  it('returns 500 and logs the reason when it throws while the request is inspected', async () => {
    const httpApp = await startWith(adapter, (request) => {
      Object.defineProperty(request, 'headers', { get: fail });
    });
    const received = await httpApp.request({ path: DBT, ...dbtWebhook() });
    expect(received.status).toBe(500);
    expect(httpApp.log.lines.filter((line) => line.includes('by the host'))).not.toEqual([]);
  });
});

describe.each(ADAPTERS)('repeated failures on %s that any sender can cause', (adapter) => {
  it.each<[title: string, interfere: Interfere, line: RegExp]>([
    [
      'writeHead that throws',
      (_, response) => Object.assign(response, { writeHead: fail }),
      /^error Source "dbt" is disturbed by other code of the app: response 401, Error: by the host\. .*counted, not logged/,
    ],
    [
      'headers that cannot be read',
      (request) => Object.defineProperty(request, 'headers', { get: fail }),
      /^error Source "dbt" is responding with 500: receiving failed with Error: by the host\. .*counted, not logged/,
    ],
    [
      'a body that is read before',
      (request) => Object.defineProperty(request, 'readableDidRead', { value: true }),
      /^error Source "dbt" is responding with 500: the body was read before .*counted, not logged/,
    ],
  ])('are logged once per hundred requests: %s', async (_, interfere, line) => {
    const httpApp = await startWith(adapter, interfere);
    for (let sent = 0; sent < 100; sent += 1) await httpApp.request({ path: DBT, ...dbtWebhook({ secret: 'forged' }) });
    const errors = httpApp.log.lines.filter((one) => one.startsWith('error '));
    expect(errors).toEqual([expect.stringMatching(line)]);
  });
});

describe.each(ADAPTERS)('unverified bodies on %s', (adapter) => {
  it('are limited in total: further senders get 503 at once, one line is logged, and receiving resumes', async () => {
    const bodyBytesMax = NEST_LIMITS.bodiesHeldBytesMax / 4;
    const sources = [
      dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], bodyBytesMax }),
      dbtCloud({ name: 'other', secrets: [TEST_SECRETS.dbtCloud], bodyBytesMax }),
    ];
    const httpApp = await startApp(adapter, { webhooks: { sources } });
    // With fake timers no upload times out, even on a slow machine.
    jest.useFakeTimers({ doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate'] });
    const almost = Buffer.alloc(bodyBytesMax - 1, 'x');
    const uploads = ['dbt', 'other', 'dbt', 'other'].map((name) => {
      const upload = httpApp.connect();
      void upload.write(head(`/webhooks/${name}`, { 'content-length': bodyBytesMax })).then(() => upload.write(almost));
      return upload;
    });
    let accepted = 0;
    await until(async () => {
      const { status, headers } = await httpApp.send(dbtWebhook());
      if (status === 200) accepted += 1;
      return status === 503 && headers['retry-after'] === String(NEST_LIMITS.retryAfterSeconds);
    });
    expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 503, body: { status: 'unavailable' } });
    expect(httpApp.log.containing('the maximum of request bodies')).toHaveLength(1);
    for (const upload of uploads) upload.destroy();
    await until(async () => (await httpApp.send(dbtWebhook())).status === 200);
    expect(await httpApp.stored()).toBe(accepted + 1);
  });
});

/** Actions that host code may take on a request, alone or together; each leaves the process to Runhooks afterwards. */
const ACTIONS: Readonly<Record<string, Interfere>> = {
  pause: (request) => request.pause(),
  utf8: (request) => request.setEncoding('utf8'),
  base64: (request) => request.setEncoding('base64'),
  tap: (request) => request.on('data', () => undefined),
  tapThatPauses: (request) => request.on('data', () => request.pause()),
  readByHand: (request) => request.on('readable', () => undefined),
  flush: (_, response) => response.flushHeaders(),
  flush503: (_, response) => void (response.headersSent || response.writeHead(503).flushHeaders()),
  begin: (_, response) => response.write('host'),
  noRequestOn: (request) => Object.assign(request, { on: fail }),
  noRequestOnce: (request) => Object.assign(request, { once: fail }),
  noRequestOff: (request) => Object.assign(request, { off: fail }),
  noResume: (request) => Object.assign(request, { resume: fail }),
  noHeaders: (request) => Object.defineProperty(request, 'headers', { get: fail, configurable: true }),
  noBody: (request) => Object.defineProperty(request, 'body', { get: fail, configurable: true }),
  noWriteHead: (_, response) => Object.assign(response, { writeHead: fail }),
  noWrite: (_, response) => Object.assign(response, { write: fail }),
  noEnd: (_, response) => Object.assign(response, { end: fail }),
  noResponseOn: (_, response) => Object.assign(response, { on: fail }),
  failAfterHead: (_, response) => failAfter(response, 'writeHead'),
  failAfterWrite: (_, response) => failAfter(response, 'write'),
  failAfterEnd: (_, response) => failAfter(response, 'end'),
  lateEnd: (_, response) => {
    const end = response.end.bind(response) as (...args: unknown[]) => unknown;
    Object.assign(response, { end: (...args: unknown[]) => later(() => end(...args)) });
  },
  head200: (_, response) => {
    const writeHead = response.writeHead.bind(response);
    Object.assign(response, { writeHead: () => writeHead(200) });
  },
  destroyRequest: (request) => later(() => request.destroy()),
  destroyResponse: (_, response) => later(() => response.destroy()),
  endLater: (_, response) => later(() => response.end()),
  respondLater: (_, response) => later(() => response.headersSent || response.writeHead(418).end()),
};

/** Runs code in a timer and ignores its errors, which belong to the host and not to Runhooks. */
function later(run: () => unknown): void {
  setImmediate(() => {
    try {
      run();
    } catch {
      // Another action may have ended the response already.
    }
  });
}

function failAfter(response: ServerResponse, name: 'writeHead' | 'write' | 'end'): void {
  const original = response[name].bind(response) as (...args: unknown[]) => unknown;
  Object.assign(response, {
    [name]: (...args: unknown[]) => {
      original(...args);
      fail();
    },
  });
}

/** Actions that end the response themselves, so a 2xx does not come from Runhooks. */
const RESPONDING = new Set(['endLater', 'answerLater']);

describe.each(ADAPTERS)('arbitrary host interference on %s', (adapter) => {
  it(
    'never ends the process, hangs a request or acknowledges an unstored message',
    async () => {
      let actions: readonly string[] = [];
      const httpApp = await startWith(adapter, (request, response) => {
        for (const action of actions) {
          try {
            ACTIONS[action]!(request, response);
          } catch {
            // An earlier action may have made this one impossible.
          }
        }
      });
      let sent = 0;
      let acknowledged = 0;
      const sets = fc.array(fc.constantFrom(...Object.keys(ACTIONS)), { minLength: 1, maxLength: 4 });
      await checkProperty(
        fc.tuple(sets, fc.boolean(), fc.integer({ min: 0, max: 2 })),
        async ([chosen, isForged, size]) => {
          actions = chosen;
          const padding = 'x'.repeat([0, 70_000, LIMITS.bodyBytesMax][size]!);
          const webhook = dbtWebhook({ payload: { padding }, ...(isForged && { secret: 'forged' }) });
          const before = await httpApp.stored();
          // The request rejects if an action closed the connection, which is allowed.
          const received = await httpApp.request({ path: DBT, ...webhook }).catch(() => undefined);
          const isGood = !isForged && size < 2;
          if (isGood) sent += 1;
          if (received?.status === 200 && !actions.some((action) => RESPONDING.has(action))) {
            expect({ isGood, stored: (await httpApp.stored()) > before }).toEqual({ isGood: true, stored: true });
            acknowledged += 1;
          }
        },
        // Without this limit a hanging request would pass, because fast-check's own time limit skips it.
        { runs: 300, runsMin: 60 },
      );
      actions = [];
      expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 200 });
      expect(await httpApp.stored()).toBeGreaterThanOrEqual(acknowledged + 1);
      expect(await httpApp.stored()).toBeLessThanOrEqual(sent + 1);
      expect(acknowledged).toBeGreaterThan(0);
    },
    PROPERTY_TEST_MS,
  );
});
