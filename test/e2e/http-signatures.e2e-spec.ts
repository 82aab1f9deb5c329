import { afterEach, describe, expect, it } from '@jest/globals';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { dbtCloudWebhook, paradimeWebhook, signParadime, type SignedWebhook } from 'nestjs-runhooks/testing';
import { ADAPTERS, closeApps, CONTENT, DBT, dbtWebhook, PARADIME, startApp } from './http-app.js';

afterEach(closeApps);

type Change = (webhook: SignedWebhook) => Pick<SignedWebhook, 'body' | 'headers'>;

function withHeader(name: string, value: (signed: string) => string | undefined): Change {
  return ({ body, headers }) => {
    const { [name]: signed = '', ...others } = headers;
    const changed = value(signed);
    return { body, headers: changed === undefined ? others : { ...others, [name]: changed } };
  };
}

function withBody(change: (body: Buffer) => Buffer | string): Change {
  return ({ body, headers }) => ({ body: Buffer.from(change(body)), headers });
}

const DBT_REFUSALS: [title: string, change: Change, check: string, reason: RegExp][] = [
  ['no signature', withHeader('authorization', () => undefined), 'missing-header', /"authorization" is missing/],
  ['an empty signature', withHeader('authorization', () => ''), 'missing-header', /"authorization" is missing/],
  ['a bearer token', withHeader('authorization', () => 'Bearer x'), 'malformed-header', /signatureHeader/],
  ['sha256= before it', withHeader('authorization', (hex) => `sha256=${hex}`), 'malformed-header', /"sha256="/],
  ['a digit too few', withHeader('authorization', (hex) => hex.slice(1)), 'malformed-header', /64 hex digits/],
  ['a digit too many', withHeader('authorization', (hex) => `${hex}0`), 'malformed-header', /64 hex digits/],
  [
    'base64',
    withHeader('authorization', (hex) => Buffer.from(hex, 'hex').toString('base64')),
    'malformed-header',
    /hex/,
  ],
  ['another digest', withHeader('authorization', () => '0'.repeat(64)), 'signature-mismatch', /secret is wrong/],
  [
    'one bit changed',
    withBody((body) => Buffer.from(body).fill(body[9]! ^ 1, 9, 10)),
    'signature-mismatch',
    /modified in transit/,
  ],
  ['a byte more', withBody((body) => `${body.toString()}\n`), 'signature-mismatch', /modified in transit/],
  ['a byte less', withBody((body) => body.subarray(1)), 'signature-mismatch', /modified in transit/],
  [
    'the same JSON formatted differently',
    withBody((body) => JSON.stringify(JSON.parse(body.toString()), null, 1)),
    'signature-mismatch',
    /modified in transit/,
  ],
];

const secondsFromNow = (seconds: number) => new Date(Date.now() + seconds * 1_000);

const PARADIME_REFUSALS: [title: string, change: Change, check: string, reason: RegExp][] = [
  ['no signature headers', ({ body }) => ({ body, headers: {} }), 'missing-header', /No signature headers/],
  ['no id', withHeader('webhook-id', () => undefined), 'missing-header', /webhook-id/],
  ['no time', withHeader('webhook-timestamp', () => undefined), 'missing-header', /webhook-timestamp/],
  ['no signature', withHeader('webhook-signature', () => undefined), 'missing-header', /webhook-signature/],
  ['an id with a dot', withHeader('webhook-id', (id) => `${id}.1`), 'malformed-header', /webhook-id/],
  ['another id', withHeader('webhook-id', (id) => `${id}1`), 'signature-mismatch', /webhook-signature/],
  ['a time in words', withHeader('webhook-timestamp', () => 'now'), 'malformed-header', /webhook-timestamp/],
  ['a time in ms', withHeader('webhook-timestamp', (s) => `${s}000`), 'malformed-header', /webhook-timestamp/],
  [
    'a hex time',
    withHeader('webhook-timestamp', (s) => `0x${Number(s).toString(16)}`),
    'malformed-header',
    /expected seconds since 1970/,
  ],
  ['another time', withHeader('webhook-timestamp', (s) => String(Number(s) - 1)), 'signature-mismatch', /matches/],
  ['a signature without a version', withHeader('webhook-signature', (s) => s.slice(3)), 'malformed-header', /entry/],
  ['an unknown version', withHeader('webhook-signature', (s) => s.replace('v1,', 'v2,')), 'malformed-header', /v1/],
  [
    'an old time, signed',
    ({ body }) => signParadime(body, { now: secondsFromNow(-301) }),
    'timestamp-too-old',
    /tolerated 300 s/,
  ],
  [
    'a future time, signed',
    ({ body }) => signParadime(body, { now: secondsFromNow(303) }),
    'timestamp-too-new',
    /tolerated 300 s/,
  ],
  ['another body', withBody((body) => body.subarray(1)), 'signature-mismatch', /modified in transit/],
  [
    'one family mixed with the other',
    ({ body, headers: { 'webhook-id': id = '', ...others } }) => ({ body, headers: { ...others, 'svix-id': id } }),
    'missing-header',
    /all of one family/,
  ],
];

describe.each(ADAPTERS)('invalid signatures, on %s', (adapter) => {
  it.each(DBT_REFUSALS)('are rejected with 401 and the failed check for dbt: %s', async (_, change, status, reason) => {
    const httpApp = await startApp(adapter);
    const response = await httpApp.send(change(dbtWebhook()));
    expect(response).toMatchObject({ status: 401, body: { status, message: expect.stringMatching(reason) } });
    expect(await httpApp.stored()).toBe(0);
  });

  it.each(PARADIME_REFUSALS)(
    'are rejected with 401 and the failed check for Paradime: %s',
    async (_, change, status, reason) => {
      const httpApp = await startApp(adapter);
      const response = await httpApp.send(change(paradimeWebhook()), PARADIME);
      expect(response).toMatchObject({ status: 401, body: { status, message: expect.stringMatching(reason) } });
      expect(await httpApp.stored()).toBe(0);
    },
  );

  it('are rejected before an odd body is parsed', async () => {
    const httpApp = await startApp(adapter);
    const bodies = ['{', '\0', 'null', '[]', '"', '[['.repeat(200_000), Buffer.alloc(64, 0xff), `{"a":"${CONTENT}"}`];
    for (const body of bodies) {
      const response = await httpApp.send({ body: Buffer.from(body), headers: { authorization: '0'.repeat(64) } });
      expect(response).toMatchObject({ status: 401, body: { status: 'signature-mismatch' } });
    }
    expect(await httpApp.stored()).toBe(0);
  });

  it('are reported when a message for one provider is sent to the other', async () => {
    const httpApp = await startApp(adapter);
    expect(await httpApp.send(dbtWebhook(), PARADIME)).toMatchObject({ status: 401 });
    expect(await httpApp.send(paradimeWebhook(), DBT)).toMatchObject({ status: 401 });
    expect(await httpApp.stored()).toBe(0);
  });

  it('are logged once per source and check with header names, never with values', async () => {
    const sources = ['one', 'two'].map((name) => paradime({ name, secrets: ['whsec_c2VjcmV0LW9mLXRoZS10ZXN0'] }));
    const httpApp = await startApp(adapter, { webhooks: { sources } });
    const foreign = { 'x-odd-header': 'odd-value', authorization: 'Bearer token-of-somebody' };
    const refused = [paradimeWebhook().headers, foreign].map((headers) => ({ body: Buffer.from('{}'), headers }));
    for (const path of ['/webhooks/one', '/webhooks/two']) {
      for (const request of [...refused, ...refused, ...refused]) {
        expect(await httpApp.send(request, path)).toMatchObject({ status: 401 });
      }
    }
    const lines = httpApp.log.containing('rejected a request');
    expect(lines.map((line) => /Source "(\w+)" .*: 401 ([\w-]+)\./.exec(line)?.slice(1))).toEqual([
      ['one', 'signature-mismatch'],
      ['one', 'missing-header'],
      ['two', 'signature-mismatch'],
      ['two', 'missing-header'],
    ]);
    expect(lines[0]).toMatch(/Headers: .*webhook-signature.*look like Standard Webhooks/);
    expect(lines[1]).toMatch(/Headers: .*x-odd-header.*signature or token in authorization/);
    expect(httpApp.log.containing('odd-value')).toEqual([]);
    expect(httpApp.log.containing('token-of-somebody')).toEqual([]);
  });

  it('do not block a valid sender', async () => {
    const httpApp = await startApp(adapter);
    const responses = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        httpApp.send(index % 3 ? dbtCloudWebhook({ secret: 'forged' }) : dbtWebhook()),
      ),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 30 }, (_, i) => (i % 3 ? 401 : 200)));
    expect(await httpApp.stored()).toBe(10);
  });
});

describe.each(ADAPTERS)('a rotated secret, on %s', (adapter) => {
  it('is logged once when it is first used, by its index', async () => {
    const secrets = ['the-new-secret', 'the-old-secret', 'an-unused-secret'];
    const httpApp = await startApp(adapter, { webhooks: { sources: [dbtCloud({ name: 'dbt', secrets })] } });
    for (const secret of ['the-old-secret', 'the-old-secret', 'forged', 'the-new-secret', 'the-old-secret']) {
      await httpApp.send(dbtWebhook({ secret }));
    }
    const lines = httpApp.log.containing('for the first time since startup');
    expect(lines).toEqual([
      expect.stringMatching(/Source "dbt": secrets\[1\] /),
      expect.stringMatching(/Source "dbt": secrets\[0\] /),
    ]);
    expect(lines.join()).not.toContain('-secret');
  });
});
