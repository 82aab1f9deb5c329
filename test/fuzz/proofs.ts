import { signHmacHex, signStandardWebhooks } from 'nestjs-runhooks/core';
import { TEST_SECRETS } from 'nestjs-runhooks/testing';
import type { Random } from './random.js';
import { GATEWAY_SECRETS, TOKEN, type Target } from './targets.js';

/** Header lines in the order of sending; a name may occur more than once. */
export type Fields = readonly Field[];
export type Field = readonly [name: string, value: string];

const MINUTE = 60_000;
const BASE64 = Buffer.alloc(32).toString('base64');

/** Returns headers that prove the sender of this body, in one of several valid forms. */
export function proof(random: Random, target: Target, body: Buffer): Fields {
  switch (target.name) {
    case 'dbt': {
      const digest = signHmacHex(TEST_SECRETS.dbtCloud, body);
      return random.weighted<Fields>([
        [8, [['authorization', digest]]],
        [1, [['Authorization', digest.toUpperCase()]]],
        [1, [['AUTHORIZATION', `  ${digest}\t `]]],
        // Node keeps the first authorization header and drops the others.
        [
          1,
          [
            ['authorization', digest],
            ['authorization', 'Bearer second'],
          ],
        ],
      ]);
    }
    case 'gateway':
      return [
        ['authorization', random.pick(['Bearer token-of-the-gateway', '', digestOf(random)])],
        [target.proof, signHmacHex(random.pick(GATEWAY_SECRETS), body)],
      ];
    case 'paradime':
      return standardProof(random, body);
    case 'token':
      return [[random.pick(['x-fuzz-token', 'X-FUZZ-TOKEN']), TOKEN]];
  }
}

function standardProof(random: Random, body: Buffer): Fields {
  const now = new Date(Date.now() + random.between(-4 * MINUTE, 4 * MINUTE));
  const id = random.pick([
    `msg_${random.word(27)}`,
    random.word(random.between(1, 255)),
    "!#$%&'*+-/:;<=>?@[\\]^_`{|}~",
  ]);
  const family = random.pick(['webhook', 'svix'] as const);
  const other = family === 'svix' ? 'webhook' : 'svix';
  const good = signed(body, id, now, family);
  const signature = good[2][1];
  const noise = Array.from({ length: random.between(0, 15) }, () => random.pick(['v1', 'v1a', 'v2']) + `,${BASE64}`);
  const rotated: Fields = good.with(2, [`${family}-signature`, [...noise, signature].join(' ')]);
  return random.weighted<Fields>([
    [6, good],
    [2, good.map(([name, value]) => [name.toUpperCase(), ` ${value} `])],
    [2, rotated],
    [1, [...good, [`${other}-id`, 'of-another-family']]],
    // If both header families are complete, svix counts.
    [1, family === 'svix' ? [...good, ...forgedStandard(random, 'webhook')] : good],
  ]);
}

function signed(
  body: Buffer,
  id: string,
  timestamp: Date,
  family: 'webhook' | 'svix',
  secret: string = TEST_SECRETS.paradime,
): [id: Field, timestamp: Field, signature: Field] {
  const headers = signStandardWebhooks({ secret, id, timestamp, body, family });
  const field = (part: string): Field => [`${family}-${part}`, headers[`${family}-${part}`] ?? ''];
  return [field('id'), field('timestamp'), field('signature')];
}

function forgedStandard(random: Random, family: string): Fields {
  return [
    [`${family}-id`, random.word(8)],
    [`${family}-timestamp`, String(Math.floor(Date.now() / 1_000))],
    [`${family}-signature`, `v1,${random.bytes(32).toString('base64')}`],
  ];
}

function digestOf(random: Random): string {
  return random.bytes(32).toString('hex');
}

/** Returns headers that prove nothing about this body, so the response is 401 for any body. */
export function noProof(random: Random, target: Target, body: Buffer): Fields {
  if (random.chance(0.1)) return [];
  switch (target.name) {
    case 'dbt':
      return [['authorization', notDigest(random, signHmacHex(TEST_SECRETS.dbtCloud, body), body)]];
    case 'gateway': {
      const digest = signHmacHex(random.pick(GATEWAY_SECRETS), body);
      return random.weighted<Fields>([
        [3, [[target.proof, notDigest(random, digest, body)]]],
        [1, [['authorization', digest]]],
        [
          1,
          [
            [target.proof, digest],
            [target.proof, digest],
          ],
        ],
        [1, [[`${target.proof}-`, digest]]],
      ]);
    }
    case 'paradime':
      return noStandardProof(random, body);
    case 'token':
      return [
        [target.proof, random.pick(['', TOKEN.slice(1), TOKEN.toLowerCase(), `${TOKEN}.`, `${TOKEN}, ${TOKEN}`])],
      ];
  }
}

function notDigest(random: Random, digest: string, body: Buffer): string {
  return random.pick([
    '',
    '0',
    digestOf(random),
    signHmacHex('another-secret', body),
    signHmacHex(TEST_SECRETS.dbtCloud, `${body.toString('latin1')} `),
    signHmacHex('another-secret', ''),
    digest.slice(1),
    `${digest}0`,
    `${digest}, ${digest}`,
    `sha256=${digest}`,
    `Bearer ${digest}`,
    `${digest.slice(0, 63)}g`,
    `${digest.slice(0, 62)}\u00ff\u00e9`,
    Buffer.from(digest, 'hex').toString('base64'),
    digest.repeat(random.between(2, 100)),
    changedAt(random, digest, '0123456789abcdef'),
  ]);
}

/** Returns the text with one character replaced by another. */
function changedAt(random: Random, text: string, alphabet: string): string {
  const at = random.between(0, text.length - 1);
  const other = random.pick([...alphabet].filter((letter) => letter.toLowerCase() !== text[at]?.toLowerCase()));
  return text.slice(0, at) + other + text.slice(at + 1);
}

const SECOND_TEXTS = ['', '0', '-1', '1e9', '0x65', ' ', '99999999999', '1700000000.0', 'now', '1\u00b2'];

function noStandardProof(random: Random, body: Buffer): Fields {
  const id = `msg_${random.word(27)}`;
  const family = random.pick(['webhook', 'svix'] as const);
  const now = new Date();
  const good = signed(body, id, now, family);
  const signature = good[2][1];
  const withSignature = (text: string): Fields => good.with(2, [`${family}-signature`, text]);
  const withTime = (text: string): Fields => good.with(1, [`${family}-timestamp`, text]);
  return random.weighted<() => Fields>([
    [2, () => good.toSpliced(random.between(0, 2), 1)],
    [2, () => signed(body, id, now, family, 'whsec_YW5vdGhlci1zZWNyZXQ=')],
    [2, () => signed(Buffer.concat([body, Buffer.of(0)]), id, now, family)],
    [2, () => signed(body, id, new Date(Date.now() + random.pick([-1, 1]) * random.between(6, 1e6) * MINUTE), family)],
    [2, () => signed(body, random.pick(['a.b', 'a b', 'x'.repeat(256), 'x'.repeat(4_000), 'é']), now, family)],
    [2, () => good.with(0, [`${family}-id`, `${id}x`])],
    [2, () => withTime(random.pick(SECOND_TEXTS))],
    [1, () => withTime(`0${good[1][1]}`)],
    [2, () => withSignature(changedAt(random, signature, 'v1,').slice(0, random.between(0, 4)))],
    [2, () => withSignature(random.pick([`V1${signature.slice(2)}`, signature.slice(3), `v1a${signature.slice(2)}`]))],
    [2, () => withSignature(`v1,${changedAt(random, signature.slice(3, 46), 'ABCDEFghijk0189+/')}=`)],
    [1, () => withSignature(Array.from({ length: 17 }, () => signature).join(' '))],
    [1, () => withSignature(`v1,${'A'.repeat(random.between(1, 8_000))}`)],
    [1, () => [...good, ...good]],
    [1, () => (family === 'webhook' ? [...forgedStandard(random, 'svix'), ...good] : forgedStandard(random, 'svix'))],
  ])();
}
