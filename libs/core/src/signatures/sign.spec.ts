import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../errors.js';
import { signHmacHex, signStandardWebhooks } from './sign.js';
import type { StandardWebhooksSecret } from './standard-webhooks-secret.js';

const BODY = '{"test": 2432232314}';
/** The seed and the public key, as Svix writes a private key. */
const PRIVATE_KEY = '6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';

function sign(secret: StandardWebhooksSecret) {
  const timestamp = new Date(1_614_265_330_999);
  return signStandardWebhooks({ secret, id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp, body: BODY });
}

describe('signing', () => {
  it('returns the same bare hex digest as openssl', () => {
    const digest = '42c075558cf0aecd30b7d9389b81cdfcb38c32687cf3e00f8919d754eb0f00ae';
    expect(signHmacHex('12345abcde\n', Buffer.from('fffe7b2261223a2280227d', 'hex'))).toBe(digest);
  });

  it('returns the headers of the specification', () => {
    expect(sign('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it.each([
    ['seed and public key', PRIVATE_KEY],
    ['seed alone', Buffer.from(PRIVATE_KEY, 'base64').subarray(0, 32).toString('base64')],
  ])('returns the published ed25519 signature: %s', (_name, base64) => {
    expect(sign(`whsk_${base64}`)['webhook-signature']).toBe(
      'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
    );
  });

  it('uses the header names of the requested family', () => {
    const headers = signStandardWebhooks({
      secret: { utf8: 'x' },
      id: 'm',
      timestamp: new Date(0),
      body: '',
      family: 'svix',
    });
    expect(Object.keys(headers)).toEqual(['svix-id', 'svix-timestamp', 'svix-signature']);
  });

  it.each([
    ['a public key', 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='],
    ['a private key of 16 bytes', 'whsk_AAECAwQFBgcICQoLDA0ODw=='],
    ['nothing', ''],
  ])('throws for %s', (_name, secret) => {
    expect(() => sign(secret)).toThrow(ConfigurationError);
  });
});
