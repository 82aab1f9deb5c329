import { brotliCompressSync, gzipSync } from 'node:zlib';
import { hostileBody, realBody } from './bodies.js';
import { LISTENING, type FuzzCase, type Step } from './fuzz-case.js';
import { noProof, proof, type Fields } from './proofs.js';
import type { Random } from './random.js';
import { SIGNED_TARGETS, targetOf, TARGETS, type Target } from './targets.js';
import { chunkedRequest, headOf, inPieces, requestOf } from './wire.js';

type Made = Omit<FuzzCase, 'kind'>;

/** Creates a request that is rejected for its transport, even with a valid proof, so it is never stored. */
export function badTransport(random: Random, target: Target): Made {
  const body = realBody(random, target.family);
  const encoded = (sent: Buffer): Step[] => [{ write: requestOf(target.path, compressed(random, target, body), sent) }];
  return random.weighted<() => Made>([
    [2, () => refused(415, encoded(body))],
    [1, () => refused(415, encoded(gzipSync(body)))],
    [1, () => refused(415, encoded(brotliCompressSync(body)))],
    [3, () => refused(413, tooLarge(random))],
    [1, () => refused(413, saidToBeLarge(random, target, body))],
    [1, () => refused(400, empty(random, target))],
    [2, () => refused(401, hidden(random, target))],
    [1, () => refused(401, provenTooLate(random, body))],
  ])();
}

function refused(status: number, steps: Step[]): Made {
  return { steps, statuses: [status], proven: [] };
}

function compressed(random: Random, target: Target, body: Buffer): Fields {
  const encoding = random.pick([
    'gzip',
    'br',
    'deflate',
    'GZIP',
    'gzip, identity',
    'identity, gzip',
    'zstd',
    'none',
    'é',
  ]);
  return [...proof(random, target, body), ['content-encoding', encoding]];
}

function tooLarge(random: Random): Step[] {
  // Uses the smaller limits, because the bytes are really sent.
  const target = random.pick(TARGETS.filter(({ bodyBytesMax }) => bodyBytesMax < 100_000));
  const length = target.bodyBytesMax + random.pick([1, 2, 1_000, target.bodyBytesMax, 200_000]);
  const inner = requestOf(target.path, proof(random, target, Buffer.of(1)), Buffer.of(1));
  const body = Buffer.alloc(length, random.chance(0.5) ? inner : random.pick([' ', '{"a":', '\0']));
  const fields = proof(random, target, body);
  if (random.chance(0.5)) return [{ write: requestOf(target.path, fields, body) }];
  return [{ write: chunkedRequest(random, target.path, fields, body) }];
}

function saidToBeLarge(random: Random, target: Target, body: Buffer): Step[] {
  const length = random.pick([target.bodyBytesMax + 1, 1e9, Number.MAX_SAFE_INTEGER]);
  const fields: Fields = [...proof(random, target, body), ['content-length', String(length)]];
  return [{ write: headOf(target.path, fields) }, { write: body }];
}

function empty(random: Random, target: Target): Step[] {
  const none = Buffer.alloc(0);
  const fields = proof(random, target, none);
  if (random.chance(0.3)) return [{ write: headOf(target.path, fields) }];
  const write = random.chance(0.5)
    ? requestOf(target.path, fields, none)
    : chunkedRequest(random, target.path, fields, none);
  return [{ write }];
}

/** Hides a complete proven request in the body of an unproven one. */
function hidden(random: Random, target: Target): Step[] {
  const body = realBody(random, target.family);
  const inner = requestOf(target.path, proof(random, target, body), body);
  return [{ write: requestOf(target.path, noProof(random, target, inner), inner) }];
}

/** Sends the signature after the body that it signs. */
function provenTooLate(random: Random, body: Buffer): Step[] {
  const target = targetOf('dbt');
  const [[name, value] = ['', '']] = proof(random, target, body);
  const write = Buffer.concat([
    headOf(target.path, [
      ['transfer-encoding', 'chunked'],
      ['trailer', name],
    ]),
    Buffer.from(`${body.length.toString(16)}\r\n`),
    body,
    Buffer.from(`\r\n0\r\n${name}: ${value}\r\n\r\n`),
  ]);
  return [{ write }];
}

/** Creates a sender that disconnects or ends its side in the middle of a body. */
export function cutOff(random: Random): Made {
  const target = random.pick(SIGNED_TARGETS);
  const body = hostileBody(random, target.family, 20_000);
  const more = random.chance(0.5) ? 0 : random.between(1, 1_000);
  const fields: Fields = [...proof(random, target, body), ['content-length', String(body.length + more)]];
  const request = Buffer.concat([headOf(target.path, fields), body]);
  const bodyAt = request.length - body.length;
  // The request is complete only if its length was wrong.
  const kept = more > 0 ? request.length : random.between(bodyAt, request.length - 1);
  const last: Step = random.chance(0.5) ? { destroy: true } : { finish: true };
  return { steps: [...inPieces(random, request.subarray(0, kept), 20), last], statuses: undefined, proven: [] };
}

/** Creates bytes with any damage. */
export function broken(random: Random): Made {
  const target = random.pick(SIGNED_TARGETS);
  const body = realBody(random, target.family);
  const bytes = requestOf(target.path, proof(random, target, body), body);
  const write = random.weighted<() => Buffer>([
    [4, () => flipped(random, bytes)],
    [2, () => random.bytes(random.between(1, 2_000))],
    [1, () => Buffer.concat([bytes.subarray(0, random.between(0, 200)), random.bytes(random.between(1, 200))])],
    [1, () => bytes.subarray(0, random.between(1, bytes.length - 1))],
    [1, () => Buffer.concat([bytes, random.bytes(random.between(1, 200))])],
    [1, () => Buffer.concat([bytes.subarray(0, 100), bytes])],
    [
      1,
      () =>
        Buffer.alloc(random.between(1, 40_000), random.pick(['A', '\r\n', ' ', '\0', 'GET ', 'POST / HTTP/1.1\r\n'])),
    ],
  ])();
  return { steps: [{ write }, ...LISTENING], statuses: undefined, proven: [{ source: target.name, body }] };
}

function flipped(random: Random, bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  for (let times = random.between(1, 4); times > 0; times--) {
    const at = random.between(0, Math.min(changed.length, 400) - 1);
    changed[at] = (changed[at] as number) ^ (1 << random.between(0, 7));
  }
  return changed;
}

const PATHS: readonly ((path: string) => string)[] = [
  () => '/',
  () => '*',
  () => '/webhooks',
  () => '/webhooks/unknown',
  () => '/webhooks/%ZZ',
  () => '/webhooks/%00',
  () => `/${'a/'.repeat(5_000)}`,
  () => 'no-slash',
  (path) => `${path}/`,
  (path) => `${path}/more`,
  (path) => `/${path}`,
  (path) => `${path}?a=1&a=2&__proto__[x]=1`,
  (path) => `${path}?${'x'.repeat(8_000)}`,
  (path) => `${path}#fragment`,
  (path) => `${path};a=1`,
  (path) => `${path}%20`,
  (path) => `${path}%2f`,
  (path) => path.toUpperCase(),
  (path) => path.replace('w', '%77'),
  (path) => `http://127.0.0.1${path}`,
  (path) => `/host/..${path}`,
  (path) => `/a b ${path}`,
  (path) => `${path}\u00ff`,
];

const METHODS = [
  'GET',
  'HEAD',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'PROPFIND',
  'QUERY',
  'post',
  'FOO',
  '',
];

/** Creates a path that no source has, or might have, because hosts differ in which paths they treat as equal. */
export function elsewhere(random: Random, target: Target): Made {
  const body = hostileBody(random, target.family, 20_000);
  const fields = proof(random, target, body);
  const write = random.chance(0.5)
    ? requestOf(random.pick(PATHS)(target.path), fields, body)
    : requestOf(target.path, fields, body, random.pick(METHODS));
  return { steps: [{ write }, ...LISTENING], statuses: undefined, proven: [{ source: target.name, body }] };
}
