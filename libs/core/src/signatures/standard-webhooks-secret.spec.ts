import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { standardWebhooks, type StandardWebhooksOptions } from './standard-webhooks.js';
import type { StandardWebhooksSecret } from './standard-webhooks-secret.js';

const BASE64 = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const SPECIFICATION = 'g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';

function verify(secret: StandardWebhooksSecret, signature: string) {
  return standardWebhooks({ secrets: [secret] }).verify({
    source: 'paradime',
    body: Buffer.from('{"test": 2432232314}'),
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': `v1,${signature}`,
    },
    receivedAt: new Date(1_614_265_330_000),
  });
}

describe('secrets of standardWebhooks', () => {
  it.each<[string, StandardWebhooksSecret, string]>([
    ['whsec_ and base64', `whsec_${BASE64}`, SPECIFICATION],
    ['base64 alone', BASE64, SPECIFICATION],
    ['with a line break of the configuration', `  whsec_${BASE64}\r\n`, SPECIFICATION],
    // The rest was made with `openssl dgst -sha256 -mac HMAC -macopt hexkey:…`.
    ['text', { utf8: 'plain-text secret_1' }, '0KQYWrL4SslTbWKZC+vyvbn2SnxhZKR+Q7uAc6j4V7M='],
    ['text with a line break', { utf8: 'plain-text secret_1\n' }, '0KQYWrL4SslTbWKZC+vyvbn2SnxhZKR+Q7uAc6j4V7M='],
    ['16 bytes with padding', 'whsec_AAECAwQFBgcICQoLDA0ODw==', 'YA6MmMhwztQQnjVT5s7VnIJrrIpIRYrxFLdJ8TxT/KM='],
    ['16 bytes without padding', 'whsec_AAECAwQFBgcICQoLDA0ODw', 'YA6MmMhwztQQnjVT5s7VnIJrrIpIRYrxFLdJ8TxT/KM='],
    ['17 bytes without padding', 'whsec_AAECAwQFBgcICQoLDA0ODxA', '3raP8vZMIcU5pxlWbRpz+J1nCT6kv9uX8Gx9apNI+S4='],
  ])('can be %s', (_name, secret, signature) => {
    expect(verify(secret, signature)).toEqual({ ok: true, secretIndex: 0 });
  });

  it('are not decoded if they are plain text', () => {
    expect(verify({ utf8: `whsec_${BASE64}` }, SPECIFICATION)).toMatchObject({ check: 'signature-mismatch' });
  });

  it.each<[string, unknown, string]>([
    ['an empty text', '', 'secrets[0]'],
    ['whitespace', ' \n', 'secrets[0]'],
    ['undefined', undefined, 'secrets[0]'],
    ['null', null, 'secrets[0]'],
    ['a number', 5, 'secrets[0]'],
    ['whsec_ alone', 'whsec_', 'secrets[0]'],
    ['whsec_ and padding', 'whsec_==', 'secrets[0]'],
    ['whsec_ and one letter', 'whsec_A', 'secrets[0]'],
    ['URL-safe base64', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_', 'secrets[0]'],
    ['base64 with a space in it', `whsec_${BASE64.slice(0, 8)} ${BASE64.slice(8)}`, 'secrets[0]'],
    ['base64 padded too much', 'whsec_AAECAwQF=', 'secrets[0]'],
    ['plain text', 'my secret!', 'secrets[0]'],
    ['15 bytes', `whsec_${Buffer.alloc(15, 'abc').toString('base64')}`, 'secrets[0]'],
    ['text of 15 bytes', { utf8: 'my secret 12345' }, 'secrets[0]'],
    ["the sender's private key", `whsk_${Buffer.alloc(32, 7).toString('base64')}`, 'secrets[0]'],
    ['whpk_ alone', 'whpk_', 'secrets[0]'],
    ['a public key of 24 bytes', `whpk_${BASE64}`, 'secrets[0]'],
    ['an empty { utf8 }', { utf8: '' }, 'secrets[0].utf8'],
    ['an unset { utf8 }', { utf8: undefined }, 'secrets[0].utf8'],
    ['another object', {}, 'secrets[0].utf8'],
  ])('cannot be %s', (_name, secret, option) => {
    const make = () => standardWebhooks({ secrets: [secret as string] });
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(expect.objectContaining({ option }));
    expect(make).not.toThrow(/MfKQ|my secret/);
  });

  it.each<[string, StandardWebhooksOptions, string]>([
    ['no secrets', { secrets: [] }, 'secrets'],
    ['too many', { secrets: Array<string>(LIMITS.secretsMax + 1).fill(BASE64) }, 'secrets'],
    ['a second one that is unset', { secrets: [BASE64, undefined] }, 'secrets[1]'],
    ['a negative tolerance', { secrets: [BASE64], toleranceMs: -1 }, 'toleranceMs'],
    ['a tolerance of less than a second', { secrets: [BASE64], toleranceMs: 300 }, 'toleranceMs'],
    ['no limit to the tolerance', { secrets: [BASE64], toleranceMs: Number.POSITIVE_INFINITY }, 'toleranceMs'],
    ['a tolerance that is no number', { secrets: [BASE64], toleranceMs: Number.NaN }, 'toleranceMs'],
  ])('are rejected with the path of the option: %s', (_name, options, option) => {
    const make = () => standardWebhooks(options, 'paradime({ name: "p" })');
    expect(make).toThrow(expect.objectContaining({ option: `paradime({ name: "p" }).${option}` }));
  });
});
