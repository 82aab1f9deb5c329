import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isRetryLater } from '../errors.js';
import type { ApiHost } from '../sources/provider-api.js';
import { ApiCaller, type ApiCall } from './api-caller.js';
import type { ProviderApiError, ProviderCooldownError } from './provider-api-error.js';

const NOW = new Date('2026-11-30T12:00:00.000Z');
const TOKEN = 'dbtc_secret_token';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let answers: Answer[];
let requests: { readonly method: string; readonly url: string; readonly headers: IncomingMessage['headers'] }[];
let cooldowns: Map<string, Date>;
let pauses: number[];
let now: Date;
let caller: ApiCaller;

beforeEach(async () => {
  [answers, requests, cooldowns, pauses, now] = [[], [], new Map(), [], NOW];
  server = createServer((request, response) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    answer?.(request, response);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  caller = callerAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}/base`);
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => void server.close(resolve));
});

const host: ApiHost = {
  now: () => now,
  cooldownUntil: (name, account) => Promise.resolve(cooldowns.get(`${name} ${account}`)),
  coolDown: (name, account, until) => Promise.resolve(void cooldowns.set(`${name} ${account}`, until)),
  act: () => Promise.reject(new Error('these tests make no actions')),
};

function callerAt(baseUrl: string): ApiCaller {
  return new ApiCaller({
    provider: 'Probe',
    baseUrl,
    accountId: '4',
    host,
    cooldownMs: 300_000,
    userMessageOf: (body) => (body as { readonly message?: string }).message,
    pause: (ms) => Promise.resolve(void pauses.push(ms)),
  });
}

/** Returns a port at which nothing listens. */
async function unusedPort(): Promise<number> {
  const unused = createServer();
  await new Promise<void>((resolve) => void unused.listen(0, '127.0.0.1', resolve));
  const { port } = unused.address() as AddressInfo;
  await new Promise((resolve) => void unused.close(resolve));
  return port;
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

function call(more: Partial<ApiCall> = {}): ApiCall {
  return {
    asked: 'get run 5 of account 4',
    method: 'GET',
    path: '/runs/5/?include_related=trigger',
    headers: { authorization: `Token ${TOKEN}` },
    ...more,
  };
}

async function failureOf(promise: Promise<unknown>): Promise<ProviderApiError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown as ProviderApiError,
  );
  expect(error).toMatchObject({ code: 'RUNHOOKS_PROVIDER_API', name: expect.stringMatching(/^Provider/) });
  const everything = inspect(error, { depth: 10, showHidden: true }).replace(/\n +at .*/g, '');
  expect(everything).not.toContain(TOKEN);
  expect(everything).not.toMatch(/127\.0\.0\.1|https?:\/\//);
  return error as ProviderApiError;
}

describe('ApiCaller', () => {
  it('returns the JSON of an answer and the time of the server', async () => {
    answers = [json(200, { id: 5 }, { date: 'Mon, 30 Nov 2026 11:59:58 GMT' })];
    await expect(caller.json(call())).resolves.toEqual({
      value: { id: 5 },
      status: 200,
      serverTime: new Date('2026-11-30T11:59:58Z'),
    });
    expect(requests).toMatchObject([
      {
        method: 'GET',
        url: '/base/runs/5/?include_related=trigger',
        headers: { authorization: `Token ${TOKEN}`, accept: 'application/json' },
      },
    ]);
  });

  it('sends a value as JSON, and does not repeat such a call', async () => {
    answers = [json(503, {})];
    const failure = await failureOf(caller.json(call({ method: 'POST', body: { cause: 'x' } })));
    expect(failure).toMatchObject({ reason: 'unavailable', status: 503 });
    expect(requests).toMatchObject([{ method: 'POST', headers: { 'content-type': 'application/json' } }]);
  });

  it.each([true, false])('makes a call that acts only once (isRepeatable left out: %s)', async (isLeftOut) => {
    const act = call({ method: 'POST', path: '/runs/5/retry/', ...(!isLeftOut && { isRepeatable: false }) });
    const cut: Answer = (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"id"', () => void response.destroy());
    };
    const none: Answer = (_, response) => void response.destroy();
    for (const status of [408, 500, 502, 503, 504]) {
      answers = [json(status, {})];
      expect(await failureOf(caller.json(act))).toMatchObject({ reason: 'unavailable', status });
    }
    answers = [cut];
    expect(await failureOf(caller.json(act))).toMatchObject({ reason: 'invalid-answer' });
    answers = [none];
    expect((await failureOf(caller.json(act))).reason).toBe('unavailable');
    answers = [() => undefined];
    const late = await failureOf(caller.json({ ...act, timeoutMs: 50 }));
    expect(late.reason).toBe('timeout');
    expect(late.message).toMatch(/got none\. The call may have been carried out all the same$/);
    expect([requests.length, pauses]).toEqual([8, []]);
    // A connection that failed has the same reason as a 503, because a proxy in between may have passed the call on.
    const refused = await failureOf(callerAt(`http://127.0.0.1:${await unusedPort()}`).json(act));
    expect([refused.reason, refused.status, pauses]).toEqual(['unavailable', undefined, []]);
  });

  it.each([
    [400, 'refused'],
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'not-found'],
    [409, 'refused'],
  ])('rejects with a reason for status %d and does not repeat the call', async (status, reason) => {
    answers = [json(status, { message: 'line 1\nline 2' })];
    const failure = await failureOf(caller.json(call()));
    expect(failure).toMatchObject({ reason, status });
    expect(failure.message).toMatch(
      new RegExp(`^Probe: get run 5 of account 4: expected a 2xx status, got ${status}: "line 1\\\\nline 2"\\. `),
    );
    expect(requests).toHaveLength(1);
  });

  it('takes a 404 of a list for a missing right, because a list always exists', async () => {
    answers = [json(404, { message: 'not found' })];
    expect(await failureOf(caller.json(call({ isList: true })))).toMatchObject({ reason: 'forbidden', status: 404 });
  });

  it('cuts the message of a provider, and quotes nothing else of an answer', async () => {
    answers = [json(400, { message: 'm'.repeat(5_000), other: 'payload' })];
    const { message } = await failureOf(caller.json(call()));
    expect(message.length).toBeLessThan(500);
    expect(message).not.toContain('payload');
  });

  it('shows neither the token nor URLs of the message of a provider, and no character that is not printable', async () => {
    answers = [json(403, { message: `Token ${TOKEN} may not read\nhttps://a.example/x?sig=1 (account\u0000 4)` })];
    const { message } = await failureOf(caller.json(call()));
    expect(message).toContain('"Token [secret] may not read\\n[URL] (account\\u0000 4)"');
    expect(message).not.toMatch(/[\n\0]/);
  });

  it.each([408, 500, 502, 503, 504])('repeats a call that changes nothing twice after %d', async (status) => {
    answers = [json(status, {}), json(status, {}), json(200, 'ok')];
    await expect(caller.json(call())).resolves.toMatchObject({ value: 'ok' });
    expect(requests).toHaveLength(3);
    expect(pauses).toEqual([500, 1_000]);
  });

  it('rejects after the second repeat', async () => {
    answers = [json(503, {})];
    expect(await failureOf(caller.json(call()))).toMatchObject({ reason: 'unavailable', status: 503 });
    expect(requests).toHaveLength(3);
  });

  it('does not repeat a call after 501', async () => {
    answers = [json(501, {})];
    await failureOf(caller.json(call()));
    expect(requests).toHaveLength(1);
  });

  it('names the code of a failed connection, but no host', async () => {
    const failure = await failureOf(callerAt(`http://127.0.0.1:${await unusedPort()}`).json(call()));
    expect(failure.reason).toBe('unavailable');
    expect(failure.message).toContain('(ECONNREFUSED)');
    expect(failure).not.toHaveProperty('cause');
    expect(pauses).toHaveLength(2);
  });

  it.each<[string, Answer]>([
    ['HTML', (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Login</html>')],
    ['other text', (_, response) => void response.end('upstream ok')],
    ['an empty answer', (_, response) => void response.end()],
    ['JSON that is cut or damaged', (_, response) => void response.end('{"data": [1,')],
  ])('rejects %s instead of JSON', async (found, answer) => {
    answers = [answer];
    const failure = await failureOf(caller.json(call()));
    expect(failure.reason).toBe('invalid-answer');
    expect(failure.message).toContain(`expected JSON, got ${found}.`);
  });

  it('repeats a call whose answer was cut, then rejects', async () => {
    answers = [
      (_, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"id"', () => void response.destroy());
      },
    ];
    expect(await failureOf(caller.json(call()))).toMatchObject({ reason: 'invalid-answer' });
    expect(requests).toHaveLength(3);
  });

  it('rejects an error page in HTML by its status', async () => {
    answers = [
      (_, response) => void response.writeHead(502, { 'content-type': 'text/html' }).end('<html>nginx</html>'),
    ];
    const failure = await failureOf(caller.json(call()));
    expect(failure).toMatchObject({ reason: 'unavailable', status: 502 });
    expect(failure.message).not.toContain('nginx');
  });

  it('follows no redirect', async () => {
    answers = [(_, response) => void response.writeHead(302, { location: '/base/other' }).end()];
    expect(await failureOf(caller.json(call()))).toMatchObject({ reason: 'refused', status: 302 });
    expect(requests).toHaveLength(1);
  });

  it('rejects an answer of more bytes than are accepted', async () => {
    answers = [json(200, 'x'.repeat(100))];
    expect(await failureOf(caller.json(call({ bytesMax: 50 })))).toMatchObject({ reason: 'too-large' });
    expect(requests).toHaveLength(1);
  });

  it('rejects when no answer comes in time', async () => {
    answers = [() => undefined];
    const failure = await failureOf(caller.json(call({ method: 'POST', timeoutMs: 20 })));
    expect(failure.reason).toBe('timeout');
    expect(failure.message).toContain('within 20 ms');
  });

  it('rejects with the reason of an abort', async () => {
    const controller = new AbortController();
    const reason = new Error('stopped');
    answers = [() => controller.abort(reason)];
    await expect(caller.json(call({ signal: controller.signal }))).rejects.toBe(reason);
    await expect(caller.json(call({ signal: controller.signal }))).rejects.toBe(reason);
    expect(requests).toHaveLength(1);
  });

  it.each<[string, Record<string, string>, number]>([
    ['five minutes', {}, 300_000],
    ['the seconds of Retry-After', { 'retry-after': '20' }, 20_000],
    [
      'the date of Retry-After, by the clock of the server',
      { 'retry-after': 'Mon, 30 Nov 2026 10:01:00 GMT', date: 'Mon, 30 Nov 2026 10:00:00 GMT' },
      60_000,
    ],
    ['at most an hour', { 'retry-after': '99999999' }, 3_600_000],
    ['five minutes if Retry-After is invalid', { 'retry-after': 'soon' }, 300_000],
  ])('stops calling the account for %s after a 429', async (_, headers, waitMs) => {
    answers = [json(429, { message: 'slow down' }, headers), json(200, 'ok')];
    const until = new Date(NOW.getTime() + waitMs);
    const first = await failureOf(caller.json(call()));
    expect(first).toMatchObject({ reason: 'rate-limited', status: 429, until, delayMs: waitMs });
    now = new Date(NOW.getTime() + waitMs - 1);
    const second = (await failureOf(caller.json(call()))) as ProviderCooldownError;
    expect(second).toMatchObject({ reason: 'rate-limited', until, delayMs: 1 });
    expect(isRetryLater(second)).toBe(true);
    expect(requests).toHaveLength(1);
    now = until;
    await expect(caller.json(call())).resolves.toMatchObject({ value: 'ok' });
  });

  it('respects a cooldown that another process found', async () => {
    answers = [json(200, 'ok')];
    const until = new Date(NOW.getTime() + 1_000);
    cooldowns.set(`127.0.0.1:${(server.address() as AddressInfo).port} 4`, until);
    expect(await failureOf(caller.json(call()))).toMatchObject({ reason: 'rate-limited', until });
    expect(requests).toHaveLength(0);
  });

  it('ignores a cooldown that a wrong clock stored', async () => {
    answers = [json(429, {}), json(200, 'ok')];
    await failureOf(caller.json(call()));
    now = new Date(NOW.getTime() - 86_400_000);
    await expect(caller.json(call())).resolves.toMatchObject({ value: 'ok' });
  });

  it('streams an answer', async () => {
    answers = [(_, response) => void response.write('one ', () => void response.end('two'))];
    const { value } = await caller.stream(call());
    let text = '';
    for await (const chunk of value) text += Buffer.from(chunk).toString();
    expect(text).toBe('one two');
  });

  it('rejects a stream that is too large or cut', async () => {
    answers = [
      (_, response) => void response.end('x'.repeat(100)),
      (_, response) => {
        response.writeHead(200, { 'content-length': '100' });
        response.write('x', () => void response.destroy());
      },
    ];
    for (const reason of ['too-large', 'invalid-answer']) {
      const { value } = await caller.stream(call({ bytesMax: 50 }));
      const failure = await failureOf(
        (async () => {
          for await (const chunk of value) expect(chunk.byteLength).toBeGreaterThan(0);
        })(),
      );
      expect(failure.reason).toBe(reason);
    }
  });

  it('passes on an error of the store that keeps cooldowns', async () => {
    const failed = new Error('the store failed');
    const broken = new ApiCaller({
      provider: 'Probe',
      baseUrl: 'http://127.0.0.1:1',
      accountId: '4',
      host: { ...host, cooldownUntil: () => Promise.reject(failed) },
      cooldownMs: 1,
      userMessageOf: () => undefined,
    });
    await expect(broken.json(call())).rejects.toBe(failed);
  });
});
