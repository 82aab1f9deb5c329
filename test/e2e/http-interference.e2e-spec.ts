import type { IncomingMessage, ServerResponse } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import express from 'express';
import fc from 'fast-check';
import { LIMITS } from 'nestjs-runhooks/core';
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

/** An app whose host does this to each request before Runhooks has it. */
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
  it.each(ENCODINGS)(
    'that makes text of bodies, as %s: they are received, and judged by their bytes',
    async (encoding) => {
      let seen = 0;
      const edge = await startWith(adapter, (request) => {
        request.setEncoding(encoding).on('data', () => (seen += 1));
      });
      // In UTF-16 Node drops the last one of an odd number of bytes, and nobody can bring it back.
      let webhook = dbtWebhook();
      while (webhook.body.length % 2 > 0) webhook = dbtWebhook();
      expect(await edge.send(webhook)).toMatchObject({ status: 200, body: { status: 'accepted' } });
      expect(await edge.send(dbtWebhook({ secret: 'forged' }))).toMatchObject({ status: 401 });
      const padding = (bytes: number) => signDbtCloud(Buffer.alloc(bytes, 'ä'));
      // Of 512 Ki characters, in many chunks: the limit is one of bytes.
      expect(await edge.send(padding(LIMITS.bodyBytesMax))).toMatchObject({ status: 200 });
      expect((await edge.send(padding(LIMITS.bodyBytesMax + 2))).status).toBe(413);
      expect(await edge.stored()).toBe(2);
      expect(seen).toBeGreaterThan(2);
    },
  );

  it.each([
    ['ascii', '{"name":"Zoe"}', '{"name":"Zoë"}'],
    ['utf16le', '{"even":1}', '{"odd":"1"}'],
    ['utf8', '{"name":"Zoë"}', Buffer.from('{"name":"Zo\xeb"}', 'latin1')],
  ] as const)('that makes text of bodies, as %s: what loses bytes by it is a 401', async (encoding, kept, lost) => {
    const edge = await startWith(adapter, (request) => void request.setEncoding(encoding));
    expect(await edge.send(signDbtCloud(kept))).toMatchObject({ status: 200 });
    expect(await edge.send(signDbtCloud(lost))).toMatchObject({ status: 401, body: { status: 'signature-mismatch' } });
    expect(await edge.stored()).toBe(1);
  });

  it.each<[title: string, interfere: Interfere]>([
    ['paused requests', (request) => request.pause()],
    ['a tap that pauses', (request) => request.on('data', () => request.pause())],
    ['a listener that reads by hand', (request) => request.on('readable', () => undefined)],
    ['writeHead that throws', (_, response) => Object.assign(response, { writeHead: fail })],
    ['end that throws', (_, response) => Object.assign(response, { end: fail })],
  ])('with %s: webhooks arrive', async (_, interfere) => {
    const edge = await startWith(adapter, interfere);
    expect(await edge.send(dbtWebhook())).toMatchObject({ status: 200, body: { status: 'accepted' } });
    expect(await edge.send(dbtWebhook({ secret: 'forged' }))).toMatchObject({ status: 401 });
    expect(await edge.stored()).toBe(1);
  });

  it('that throws where the request is looked at: a 500, and the log says why', async () => {
    const edge = await startWith(adapter, (request) => {
      Object.defineProperty(request, 'headers', { get: fail });
    });
    const answer = await edge.request({ path: DBT, ...dbtWebhook() });
    expect(answer.status).toBe(500);
    expect(edge.log.lines.filter((line) => line.includes('by the host'))).not.toEqual([]);
  });
});

describe.each(ADAPTERS)('troubles of a host on %s that any stranger can bring up', (adapter) => {
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
  ])('%s: the log has one line for a hundred requests', async (_, interfere, line) => {
    const edge = await startWith(adapter, interfere);
    for (let sent = 0; sent < 100; sent += 1) await edge.request({ path: DBT, ...dbtWebhook({ secret: 'forged' }) });
    const errors = edge.log.lines.filter((one) => one.startsWith('error '));
    expect(errors).toEqual([expect.stringMatching(line)]);
  });
});

describe.each(ADAPTERS)('bodies that are held on %s before their signature is checked', (adapter) => {
  it('are limited in all: beyond it senders are answered 503 at once, the log has one line, then it goes on', async () => {
    const bodyBytesMax = NEST_LIMITS.bodiesHeldBytesMax / 4;
    const sources = [
      dbtCloud({ name: 'dbt', secrets: [TEST_SECRETS.dbtCloud], bodyBytesMax }),
      dbtCloud({ name: 'other', secrets: [TEST_SECRETS.dbtCloud], bodyBytesMax }),
    ];
    const edge = await startApp(adapter, { webhooks: { sources } });
    // However slow this machine is, no upload runs out of its time.
    jest.useFakeTimers({ doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate'] });
    const almost = Buffer.alloc(bodyBytesMax - 1, 'x');
    const uploads = ['dbt', 'other', 'dbt', 'other'].map((name) => {
      const upload = edge.connect();
      void upload.write(head(`/webhooks/${name}`, { 'content-length': bodyBytesMax })).then(() => upload.write(almost));
      return upload;
    });
    let accepted = 0;
    await until(async () => {
      const { status, headers } = await edge.send(dbtWebhook());
      if (status === 200) accepted += 1;
      return status === 503 && headers['retry-after'] === String(NEST_LIMITS.retryAfterSeconds);
    });
    expect(await edge.send(dbtWebhook())).toMatchObject({ status: 503, body: { status: 'unavailable' } });
    expect(edge.log.containing('the maximum of request bodies')).toHaveLength(1);
    for (const upload of uploads) upload.destroy();
    await until(async () => (await edge.send(dbtWebhook())).status === 200);
    expect(await edge.stored()).toBe(accepted + 1);
  });
});

/** What code of a host may do to a request, alone or together; each leaves the process to Runhooks afterwards. */
const DEEDS: Readonly<Record<string, Interfere>> = {
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
  answerLater: (_, response) => later(() => response.headersSent || response.writeHead(418).end()),
};

/** What throws by itself in a timer of the host's is the host's alone. */
function later(run: () => unknown): void {
  setImmediate(() => {
    try {
      run();
    } catch {
      // Of another deed.
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

/** Those that end a response of the host's own: its 2xx are the host's, and none of Runhooks'. */
const ANSWERING = new Set(['endLater', 'answerLater']);

describe.each(ADAPTERS)('whatever a host does on %s', (adapter) => {
  it(
    'the process lives, each request ends, and nothing is acknowledged that is not stored',
    async () => {
      let deeds: readonly string[] = [];
      const edge = await startWith(adapter, (request, response) => {
        for (const deed of deeds) {
          try {
            DEEDS[deed]!(request, response);
          } catch {
            // The one before stands in its way.
          }
        }
      });
      let sent = 0;
      let acknowledged = 0;
      const sets = fc.array(fc.constantFrom(...Object.keys(DEEDS)), { minLength: 1, maxLength: 4 });
      await checkProperty(
        fc.tuple(sets, fc.boolean(), fc.integer({ min: 0, max: 2 })),
        async ([chosen, isForged, size]) => {
          deeds = chosen;
          const padding = 'x'.repeat([0, 70_000, LIMITS.bodyBytesMax][size]!);
          const webhook = dbtWebhook({ payload: { padding }, ...(isForged && { secret: 'forged' }) });
          const before = await edge.stored();
          // Rejects where the connection is closed, as it may be.
          const answer = await edge.request({ path: DBT, ...webhook }).catch(() => undefined);
          const isGood = !isForged && size < 2;
          if (isGood) sent += 1;
          if (answer?.status === 200 && !deeds.some((deed) => ANSWERING.has(deed))) {
            expect({ isGood, stored: (await edge.stored()) > before }).toEqual({ isGood: true, stored: true });
            acknowledged += 1;
          }
        },
        // A request that does not end makes this fail: fast-check's own limit of time would pass it over.
        { runs: 300, runsMin: 60 },
      );
      deeds = [];
      expect(await edge.send(dbtWebhook())).toMatchObject({ status: 200 });
      expect(await edge.stored()).toBeGreaterThanOrEqual(acknowledged + 1);
      expect(await edge.stored()).toBeLessThanOrEqual(sent + 1);
      expect(acknowledged).toBeGreaterThan(0);
    },
    PROPERTY_TEST_MS,
  );
});
