import { describe, expect, it } from '@jest/globals';
import { ConfigurationError, type HeaderMap, type Provider, type ReceivedMessage } from 'nestjs-runhooks/core';
import { openSources } from 'nestjs-runhooks/internal';
import { storedMessage } from '../../../test/providers/stored-message.js';
import { paradime, type ParadimeOptions } from './source.js';

/** The HMAC vector of the Standard Webhooks specification. */
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const SIGNED_AT = new Date(1_614_265_330_000);
const BODY = '{"test": 2432232314}';
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';

const svix = { 'svix-id': ID, 'svix-timestamp': '1614265330', 'svix-signature': SIGNATURE };
const webhook = { 'webhook-id': ID, 'webhook-timestamp': '1614265330', 'webhook-signature': SIGNATURE };

function received(headers: HeaderMap, body = BODY, receivedAt = SIGNED_AT): ReceivedMessage {
  return { source: 'paradime', headers, body: Buffer.from(body), receivedAt };
}

function identify(provider: Provider, { headers }: ReceivedMessage): string {
  return provider.identify({ ...storedMessage(BODY), headers });
}

function errorOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

describe('paradime(…)', () => {
  it('returns a source of the provider "paradime" with the options of every source', () => {
    const [open] = openSources([paradime({ name: 'bolt', secrets: [SECRET], path: ['/a', '/b'], bodyBytesMax: 512 })]);
    expect(open).toMatchObject({
      name: 'bolt',
      paths: ['/a', '/b'],
      bodyBytesMax: 512,
      provider: { name: 'paradime' },
    });
  });

  it('uses the default path and size', () => {
    const [open] = openSources([paradime({ name: 'bolt', secrets: [SECRET] })]);
    expect(open).toMatchObject({ paths: ['/webhooks/bolt'], bodyBytesMax: 1_048_576 });
  });

  it('exposes no secret', () => {
    const source = paradime({ name: 'paradime', secrets: [SECRET] });
    expect(JSON.stringify([source, source.open()])).not.toContain(SECRET.slice(6));
  });
});

describe('an unsafe configuration', () => {
  const option = "paradime({ name: 'paradime' })";
  const cases: [string, object, string][] = [
    ['no secrets', {}, `${option}.secrets`],
    ['null for secrets', { secrets: null }, `${option}.secrets`],
    ['a text for secrets', { secrets: SECRET }, `${option}.secrets`],
    ['an empty list', { secrets: [] }, `${option}.secrets`],
    ['an unset variable', { secrets: [undefined] }, `${option}.secrets[0]`],
    ['an empty variable', { secrets: [''] }, `${option}.secrets[0]`],
    ['whitespace', { secrets: [' \n'] }, `${option}.secrets[0]`],
    ['a prefix without a key', { secrets: ['whsec_'] }, `${option}.secrets[0]`],
    ['15 bytes', { secrets: [`whsec_${Buffer.alloc(15, 'abc').toString('base64')}`] }, `${option}.secrets[0]`],
    ['a public key of small order', { secrets: [`whpk_${'A'.repeat(43)}=`] }, `${option}.secrets[0]`],
    ['a short token', { scheme: 'static-token', header: 'x', tokens: ['Bearer 123'] }, `${option}.tokens[0]`],
    ['a text that is no base64', { secrets: ['not base64!'] }, `${option}.secrets[0]`],
    ['a private key', { secrets: ['whsk_AAAA'] }, `${option}.secrets[0]`],
    ['an unset second secret', { secrets: [SECRET, undefined] }, `${option}.secrets[1]`],
    ['an unset plain secret', { secrets: [{ utf8: undefined }] }, `${option}.secrets[0].utf8`],
    ['an empty plain secret', { secrets: [{ utf8: ' ' }] }, `${option}.secrets[0].utf8`],
    ['a token scheme without tokens', { scheme: 'static-token', header: 'x-token' }, `${option}.tokens`],
    ['an unset token', { scheme: 'static-token', header: 'x-token', tokens: [undefined] }, `${option}.tokens[0]`],
    ['a token scheme without a header', { scheme: 'static-token', tokens: ['t'] }, `${option}.header`],
    ['secrets for a token scheme', { scheme: 'static-token', header: 'x-token', secrets: ['t'] }, `${option}.tokens`],
    ['an unknown scheme', { scheme: 'unsigned' }, `${option}.scheme`],
    ['null for the scheme', { scheme: null, secrets: [SECRET] }, `${option}.scheme`],
  ];

  it.each(cases)('fails at startup and names the option: %s', (_what, options, named) => {
    const source = paradime({ name: 'paradime', ...options } as ParadimeOptions);
    const error = errorOf(() => source.open());
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ option: named, message: expect.stringContaining(`${named}: `) });
  });

  it('does not appear in the error', () => {
    const source = paradime({ name: 'paradime', secrets: ['hunter2!'] });
    expect(String(errorOf(() => source.open()))).not.toContain('hunter2');
  });
});

describe('the default scheme, Standard Webhooks', () => {
  const provider = paradime({ name: 'paradime', secrets: [SECRET] }).open();

  it.each([svix, webhook])('accepts a message signed in %j and identifies it by its signed id', (headers) => {
    expect(provider.verify(received(headers))).toEqual({ ok: true, secretIndex: 0 });
    expect(identify(provider, received(headers))).toBe(ID);
  });

  it.each<[string, ReceivedMessage, string]>([
    ['no headers', received({}), 'missing-header'],
    ['another body', received(svix, `${BODY} `), 'signature-mismatch'],
    ['another id', received({ ...svix, 'svix-id': 'msg_2' }), 'signature-mismatch'],
    ['a mixture of both families', received({ ...svix, 'svix-id': '', 'webhook-id': ID }), 'missing-header'],
    ['a message of 301 s ago', received(svix, BODY, new Date(SIGNED_AT.getTime() + 301_000)), 'timestamp-too-old'],
    ['a message 301 s ahead', received(svix, BODY, new Date(SIGNED_AT.getTime() - 301_000)), 'timestamp-too-new'],
    ['a static token', received({ authorization: SECRET }), 'missing-header'],
  ])('rejects %s', (_what, message, check) => {
    expect(provider.verify(message)).toMatchObject({ ok: false, check });
  });

  it('identifies a stored message by its kept headers', () => {
    const kept = Object.fromEntries(Object.entries(svix).filter(([name]) => provider.headersKept.includes(name)));
    expect(identify(provider, received(kept))).toBe(ID);
  });

  it('accepts any of several secrets, including plain text', () => {
    const both = paradime({ name: 'paradime', secrets: [{ utf8: 'plain text of 24 bytes!!' }, SECRET] }).open();
    expect(both.verify(received(svix))).toEqual({ ok: true, secretIndex: 1 });
  });

  it.each([
    [[SECRET], 'Standard Webhooks, 1 secret'],
    [[SECRET, SECRET], 'Standard Webhooks, 2 secrets'],
  ])('describes the signature', (secrets, signature) => {
    expect(paradime({ name: 'paradime', secrets }).open().signature).toBe(signature);
    expect(paradime({ name: 'paradime', scheme: 'standard-webhooks', secrets }).open().signature).toBe(signature);
  });
});

describe('the scheme "static-token"', () => {
  const options = {
    name: 'paradime',
    scheme: 'static-token',
    header: 'X-Paradime-Token',
    tokens: ['the token of old', 'the token of now'],
  } as const;
  const provider = paradime(options).open();

  it('accepts a message with one of the tokens in the header', () => {
    expect(provider.verify(received({ 'x-paradime-token': 'the token of now' }))).toEqual({ ok: true, secretIndex: 1 });
  });

  it.each<[HeaderMap, string]>([
    [{}, 'missing-header'],
    [{ 'x-paradime-token': '' }, 'missing-header'],
    [{ 'x-paradime-token': 'the token of now.' }, 'signature-mismatch'],
    [{ authorization: 'new' }, 'missing-header'],
    [svix, 'missing-header'],
  ])('rejects %j', (headers, check) => {
    expect(provider.verify(received(headers))).toMatchObject({ ok: false, check });
  });

  it('trusts no id, stores no token, and describes the signature', () => {
    expect(identify(provider, received({ 'x-paradime-token': 'the token of now', 'svix-id': ID }))).toBe('');
    expect(provider.headersKept).toEqual([]);
    expect(provider.signature).toBe('static token in X-Paradime-Token, 2 tokens');
  });
});

describe('the scheme "unsigned-insecure"', () => {
  const provider = paradime({ name: 'paradime', scheme: 'unsigned-insecure' }).open();

  it('accepts any message, trusts no id, and is marked as open to anyone', () => {
    expect(provider.verify(received({}))).toEqual({ ok: true });
    expect(identify(provider, received({ 'svix-id': ID }))).toBe('');
    expect(provider).toMatchObject({ signature: 'NONE (unsigned)', isOpenToAnyone: true });
  });
});
