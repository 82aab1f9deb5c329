import { realBody } from './bodies.js';
import { LISTENING, type FuzzCase, type Proven } from './fuzz-case.js';
import { noProof, proof } from './proofs.js';
import type { Random } from './random.js';
import { SIGNED_TARGETS } from './targets.js';

type Made = Omit<FuzzCase, 'kind'>;

/** Header lines that senders do not send, or only with bad intent. The name of the proof header is passed in. */
const LINES: readonly ((random: Random, proving: string) => string)[] = [
  () => 'x-empty:',
  () => 'content-type: text/plain',
  () => 'content-type: multipart/form-data; boundary=',
  () => 'content-type: application/json; charset=utf-7',
  (random) => `content-type: ${random.pick(['', ';', '/', '\u00ff', 'a/b;=', 'application/json,application/json'])}`,
  () => 'content-encoding: identity',
  () => 'content-encoding:',
  () => 'content-encoding: gzip',
  () => 'transfer-encoding: identity',
  () => 'transfer-encoding: chunked',
  () => 'transfer-encoding: gzip, chunked',
  () => 'transfer-encoding: xchunked',
  (random) =>
    `content-length: ${random.pick(['0', '1', '5, 5', '-1', '+5', '0x10', '1e3', '1.0', '', '9'.repeat(30)])}`,
  () => 'expect: 100-continue',
  () => 'expect: a-miracle',
  () => 'connection: close',
  () => 'connection: close, keep-alive, content-length',
  () => 'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAA',
  () => 'connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk',
  () => 'host: elsewhere.example',
  () => 'host:',
  () => '__proto__: polluted',
  () => 'constructor: polluted',
  () => 'tostring: polluted',
  () => 'set-cookie: a=1\r\nset-cookie: b=2',
  () => 'x-http-method-override: DELETE',
  () => 'x-webhook-payload-version: 1',
  () => 'x-forwarded-authorization: Bearer of-a-gateway',
  (random, proving) => `${proving}: ${random.pick(['', 'again', '\u00e9', 'Bearer x', ' ', '0'.repeat(64)])}`,
  (random, proving) => `${proving.toUpperCase()}: ${random.word(3_000)}`,
  () => 'svix-id: one\r\nsvix-timestamp: 1\r\nsvix-signature: v1,AAAA',
  () => 'webhook-id: one\r\nwebhook-timestamp: 99999999999999\r\nwebhook-signature: v1,AAAA',
  (random) => `svix-id: ${'x'.repeat(random.between(256, 9_000))}`,
  (random) => `x-huge: ${random.word(random.pick([4_000, 15_000, 17_000, 70_000]))}`,
  (random) => many(random.pick([50, 500, 999, 1_500, 3_000]), (index) => `x-${index}:`),
  (random) => many(random.pick([50, 500]), () => 'x-same: again'),
  (random) => `x-odd: ${random.pick(['\u00ff\u00fe', '\u0000', '\u0001', '\t', '\u007f', 'a\rb', '\u001b[31m'])}`,
  (random) => `${random.pick(['', ' ', 'x y', 'x\u00e9', 'x(', 'x\u0000', ':', '\u007f'])}: odd name`,
  () => 'no colon',
  () => 'x-folded: one\r\n two',
  () => 'x-bare: one\nx-line: two',
];

const VERSIONS = ['HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/1.2', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1 ', 'HTP/1.1', ''];

/** Creates a request with an abused head and a proven or unproven body. */
export function abusedHead(random: Random): Made {
  const target = random.pick(SIGNED_TARGETS);
  const body = realBody(random, target.family);
  const isProven = random.chance(0.6);
  const fields = (isProven ? proof : noProof)(random, target, body).map(([name, value]) => `${name}: ${value}`);
  const odd = Array.from({ length: random.between(1, 3) }, () => random.pick(LINES)(random, target.proof));
  const usual = ['host: 127.0.0.1', `content-length: ${body.length}`];
  const lines = shuffled(random, [...(random.chance(0.95) ? usual : usual.slice(1)), ...fields, ...odd]);
  const version = random.chance(0.85) ? 'HTTP/1.1' : random.pick(VERSIONS);
  const head = [`POST ${target.path} ${version}`, ...lines, '', ''].join(random.chance(0.97) ? '\r\n' : '\n');
  const proven: Proven[] = isProven ? [{ source: target.name, body }] : [];
  return {
    steps: [{ write: Buffer.concat([Buffer.from(head, 'latin1'), body]) }, ...LISTENING],
    statuses: undefined,
    proven,
  };
}

/** Creates a body that does not match its chunks or its length. */
export function badFraming(random: Random): Made {
  const target = random.pick(SIGNED_TARGETS);
  const body = realBody(random, target.family);
  const size = body.length.toString(16);
  const head = [
    `POST ${target.path} HTTP/1.1`,
    'host: 127.0.0.1',
    ...proof(random, target, body).map((field) => field.join(': ')),
  ];
  const chunks = (before: string, after: string): Buffer =>
    Buffer.concat([
      Buffer.from([...head, 'transfer-encoding: chunked', '', before].join('\r\n'), 'latin1'),
      body,
      Buffer.from(after),
    ]);
  const write = random.weighted<() => Buffer>([
    [
      3,
      () =>
        chunks(
          random.pick(['zz', '-1', ' ', '', 'f'.repeat(20), '0x10', `${size} `, `+${size}`]) + '\r\n',
          '\r\n0\r\n\r\n',
        ),
    ],
    [1, () => chunks(`${size};${'e'.repeat(random.pick([10, 20_000]))}\r\n`, '\r\n0\r\n\r\n')],
    [1, () => chunks(`${size}\n`, '\n0\n\n')],
    [1, () => chunks(`${size}\r\n`, '\r\n')],
    [1, () => chunks(`${size}\r\n`, '0\r\n\r\n')],
    [1, () => chunks(`${size}\r\n`, `\r\n0\r\n${'t: 1\r\n'.repeat(random.pick([1, 5_000]))}\r\n`)],
    [1, () => chunks(`${(body.length - 1).toString(16)}\r\n`, '\r\n0\r\n\r\n')],
    [1, () => chunks(`${(body.length + 9).toString(16)}\r\n`, '\r\n0\r\n\r\n')],
    [3, () => withLength(head, random.between(0, body.length - 1), body)],
    [1, () => withLength([...head, 'transfer-encoding: chunked'], body.length, body)],
    [1, () => withLength([...head, `content-length: ${body.length}`], body.length, body)],
    [1, () => withLength([...head, `content-length: ${body.length - 1}`], body.length, body)],
  ])();
  return { steps: [{ write }, ...LISTENING], statuses: undefined, proven: [{ source: target.name, body }] };
}

function withLength(head: readonly string[], length: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([...head, `content-length: ${length}`, '', ''].join('\r\n'), 'latin1'), body]);
}

function many(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join('\r\n');
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  return items
    .map((item) => [random.next(), item] as const)
    .sort(([one], [other]) => one - other)
    .map(([, item]) => item);
}
