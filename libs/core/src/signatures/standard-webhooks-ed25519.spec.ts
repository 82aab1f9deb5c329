import { createPublicKey, generateKeyPairSync, sign as signWith, verify as verifyWith } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { standardWebhooks } from './standard-webhooks.js';
import type { StandardWebhooksSecret } from './standard-webhooks-secret.js';

/** The ed25519 vector of the Svix server and of the specification's example headers. */
const PUBLIC_KEY = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const TIMESTAMP = '1614265330';
const BODY = '{"test": 2432232314}';
const GOOD = 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==';
const V1_GOOD = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
const V1_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

function verify(
  secrets: readonly StandardWebhooksSecret[],
  signature: string,
  body: string | Uint8Array = BODY,
  id = ID,
  timestamp = TIMESTAMP,
) {
  return standardWebhooks({ secrets }).verify({
    source: 'paradime',
    body: Buffer.from(body),
    headers: { 'svix-id': id, 'svix-timestamp': timestamp, 'svix-signature': signature },
    receivedAt: new Date(1_614_265_330_000),
  });
}

function keyPair() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const sign = (id: string, timestamp: string, body: Uint8Array) =>
    `v1a,${signWith(null, Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]), privateKey).toString('base64')}`;
  return { secret: `whpk_${raw.toString('base64')}`, sign };
}

describe('standardWebhooks with an ed25519 public key', () => {
  it('accepts the published vector', () => {
    expect(verify([PUBLIC_KEY], GOOD)).toEqual({ ok: true, secretIndex: 0 });
  });

  it('accepts a signature of node:crypto over bytes that are not UTF-8', () => {
    const { secret, sign } = keyPair();
    const body = Buffer.from('fffe00', 'hex');
    expect(verify([secret], sign(ID, TIMESTAMP, body), body)).toEqual({ ok: true, secretIndex: 0 });
  });

  it('checks the entries of a header with the key of their version', () => {
    expect(verify([V1_SECRET, PUBLIC_KEY], GOOD)).toEqual({ ok: true, secretIndex: 1 });
    expect(verify([PUBLIC_KEY, V1_SECRET], V1_GOOD)).toEqual({ ok: true, secretIndex: 1 });
    expect(verify([keyPair().secret, PUBLIC_KEY], `${V1_GOOD} v1a,AAAA ${GOOD}`)).toEqual({ ok: true, secretIndex: 1 });
  });

  it.each([
    ['an HMAC only', V1_GOOD, 'malformed-header'],
    ['the signature under another version', GOOD.replace('v1a', 'v1'), 'malformed-header'],
    ['a signature cut short', GOOD.slice(0, -4), 'signature-mismatch'],
    ['a signature without padding', GOOD.slice(0, -2), 'signature-mismatch'],
    ['another spelling of the same bytes', GOOD.replace('Ag==', 'Ah=='), 'signature-mismatch'],
    ['64 zero bytes', `v1a,${Buffer.alloc(64).toString('base64')}`, 'signature-mismatch'],
    ['the signature of another key', keyPair().sign(ID, TIMESTAMP, Buffer.from(BODY)), 'signature-mismatch'],
  ])('rejects %s', (_name, signature, check) => {
    expect(verify([PUBLIC_KEY], signature)).toMatchObject({ ok: false, check });
  });

  it('does not use the bytes of the public key as a shared secret', () => {
    expect(verify([PUBLIC_KEY.replace('whpk_', 'whsec_')], GOOD)).toMatchObject({ check: 'malformed-header' });
  });

  it('rejects a message with any flipped bit in its body, signature, id or timestamp', () => {
    const { secret, sign } = keyPair();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), fc.nat({ max: 3 }), (body, position, part) => {
        const fields = [body, Buffer.from(sign(ID, TIMESTAMP, body)), Buffer.from(ID), Buffer.from(TIMESTAMP)] as const;
        const check = () => verify([secret], fields[1].toString(), body, fields[2].toString(), fields[3].toString());
        const valid = check();
        const changed = fields[part]!;
        const bit = position % (changed.length * 7);
        changed[Math.floor(bit / 7)]! ^= 1 << (bit % 7);
        return valid.ok && !check().ok;
      }),
    );
  });
});

/** The y of points of order 4, 1, 8, 8 and 2, and two of them plus the prime. */
const Y = {
  zero: '0000000000000000000000000000000000000000000000000000000000000000',
  one: '0100000000000000000000000000000000000000000000000000000000000000',
  eighth: '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  otherEighth: 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  minusOne: 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  prime: 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  primePlusOne: 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
};

const encodings = Object.entries(Y).flatMap(([name, hex]) =>
  [0, 0x80].map((sign) => {
    const key = Buffer.from(hex, 'hex');
    key[31]! |= sign;
    return [`${name}${sign === 0 ? '' : ', negative'}`, key] as const;
  }),
);

describe('an ed25519 public key of small order', () => {
  const PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
  const points = Object.values(encodings).map(([, point]) => point);

  /** A signature without a private key: a point of small order, no scalar, and a matching message. */
  function forges(key: Buffer): boolean {
    const publicKey = createPublicKey({ key: Buffer.concat([PREFIX, key]), format: 'der', type: 'spki' });
    const forgeries = points.map((point) => Buffer.concat([point, Buffer.alloc(32)]));
    return Array.from({ length: 200 }, (_, index) => Buffer.from(`msg_${index}.1614265330.{}`)).some((message) =>
      forgeries.some((signature) => verifyWith(null, message, publicKey, signature)),
    );
  }

  it.each(encodings)('is rejected, because its signatures can be forged: %s', (_name, key) => {
    expect(() => standardWebhooks({ secrets: [`whpk_${key.toString('base64')}`] })).toThrow(/small order/);
  });

  it('would allow forged signatures, at least one in each order', () => {
    const forged = ['zero', 'one', 'eighth', 'minusOne', 'prime'].map((name) =>
      forges(encodings.find(([found]) => found === name)![1]),
    );
    // OpenSSL 3.0, of Node 20 and 22, takes every one; that of Node 24 refuses them by itself.
    const isTaken = process.versions.openssl.startsWith('3.0.') || forged[0];
    expect(forged).toEqual(forged.map(() => isTaken));
  });

  it('differs from the keys of senders', () => {
    for (let round = 0; round < 50; round += 1) {
      expect(() => standardWebhooks({ secrets: [keyPair().secret] })).not.toThrow();
    }
  });
});
