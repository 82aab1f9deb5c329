import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { dbtCloudWebhook, paradimeWebhook } from 'nestjs-runhooks/testing';
import { containersOf, textOf, treeOf, type JsonArray, type JsonObject, type JsonTree } from './json-tree.js';
import { oddKey, oddValue } from './odd-json.js';
import type { Random } from './random.js';

/** The provider whose payloads a source receives. */
export type Family = 'dbt-cloud' | 'paradime';

const SAMPLES: Readonly<Record<Family, readonly Buffer[]>> = {
  'dbt-cloud': samplesOf('dbt-cloud'),
  paradime: samplesOf('paradime'),
};

function samplesOf(family: Family): Buffer[] {
  const folder = new URL(`../fixtures/${family}/`, import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json') && !name.endsWith('.headers.json'))
    .sort()
    .map((name) => readFileSync(new URL(name, folder)));
}

/** Returns a payload of a provider about one of a few thousand runs, so that some messages are about the same run. */
export function realBody(random: Random, family: Family): Buffer {
  if (random.chance(0.3)) return random.pick(SAMPLES[family]);
  const run = random.between(1, 5_000);
  if (family === 'paradime') {
    const event = random.pick(['started', 'succeeded', 'failed', 'canceled'] as const);
    return paradimeWebhook({ event, payload: { id: run } }).body;
  }
  const event = random.pick(['started', 'succeeded', 'failed', 'completed-failed', 'canceled'] as const);
  return dbtCloudWebhook({ event, payload: { eventId: `wev_${random.word(27)}`, data: { runId: String(run) } } }).body;
}

/** Returns an invalid body: usually a payload with faults, sometimes not JSON at all. It is never empty. */
export function hostileBody(random: Random, family: Family, bytesMax: number): Buffer {
  const body = random.weighted<() => Buffer>([
    [10, () => realBody(random, family)],
    [20, () => meantOtherwise(random, realBody(random, family))],
    [40, () => writtenWrongly(random, realBody(random, family))],
    [30, () => damaged(random, realBody(random, family), family)],
    [5, () => random.bytes(random.between(1, 600))],
    [3, () => Buffer.from(oddValue(random))],
    [0.3, () => Buffer.alloc(bytesMax, random.pick(['{"a":', '[', '"', ' ', '\\', '\0', '1', '\u{1f4a5}', '{"":0},']))],
  ])();
  return body.length === 0 ? Buffer.from(' ') : body.subarray(0, bytesMax);
}

/** Returns the same document with members changed, repeated, moved or left out. */
function writtenWrongly(random: Random, body: Buffer): Buffer {
  const tree = treeOf(JSON.parse(body.toString()));
  for (let times = random.chance(0.6) ? 1 : random.between(2, 4); times > 0; times--) {
    const container = random.pick(containersOf(tree));
    if ('items' in container) changeArray(random, container);
    else changeObject(random, container, tree);
  }
  return Buffer.from(textOf(tree));
}

function changeArray(random: Random, { items }: JsonArray): void {
  const at = random.between(0, items.length);
  const item = items[at] ?? oddValue(random);
  if (random.chance(0.5)) items.splice(at, 1, oddValue(random));
  else items.splice(at, 0, ...Array.from({ length: random.between(1, 50) }, () => item));
}

function changeObject(random: Random, { members }: JsonObject, tree: JsonTree): void {
  const at = random.between(0, Math.max(0, members.length - 1));
  const [key, value] = members[at] ?? ['"a"', '1'];
  random.weighted<() => unknown>([
    [10, () => members.splice(at, 1, [key, oddValue(random)])],
    [3, () => members.splice(at, 1)],
    [3, () => members.push([key, random.chance(0.5) ? value : oddValue(random)])],
    [2, () => members.push([spelledOut(key), value])],
    [3, () => members.splice(at, 1, [oddKey(random), value])],
    [3, () => members.push([oddKey(random), oddValue(random)])],
    [2, () => members.splice(at, 1, [key, random.pick(containersOf(tree).map(textOf))])],
    [2, () => members.splice(at, 1, [key, { items: [value] }])],
    [2, () => members.reverse()],
  ])();
}

/** Members that decide the meaning of a message, and values they could have. */
const MEANINGS: Readonly<Record<string, readonly string[]>> = {
  '"eventType"': [
    '"job.run.exploded"',
    '"job.run.paused"',
    '"job.run.retried"',
    '"job.run.queued"',
    '"job.run.started"',
    '"job.run.canceled"',
    '""',
    'null',
  ],
  '"event_type"': ['"job.run.exploded"', '"job.run.completed"', 'null'],
  '"runId"': ['""', 'null', '12345', '"12345"'],
  '"runStatus"': ['"None"', '"Cancelled"', '"weird"'],
  '"runStatusCode"': ['null', '3', '30', '99'],
  '"status"': ['"running"', '"queued"', '"skipped"', '"weird"', '"timeout"', 'null'],
  '"end_dttm"': ['null', '""', '"2023-10-15 16:44:14.576471"'],
  '"error_string"': ['"error"', 'null'],
  '"commands"': ['[]', 'null', '[{"id":1}]'],
};

/** Returns a payload that its provider could send in the future, or sends as a test. */
function meantOtherwise(random: Random, body: Buffer): Buffer {
  const tree = treeOf(JSON.parse(body.toString()));
  const members = containersOf(tree).flatMap((container) => ('members' in container ? container.members : []));
  const member = random.pick(members.filter(([key]) => key in MEANINGS));
  member[1] = random.pick(MEANINGS[member[0]] ?? []);
  return Buffer.from(textOf(tree));
}

/** Returns a key that JSON treats as the same although its bytes differ. */
function spelledOut(key: string): string {
  return key.replace(/[a-z]/, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`);
}

const PIECES: readonly Buffer[] = [
  Buffer.of(0),
  Buffer.of(0xff, 0xfe),
  Buffer.of(0xef, 0xbb, 0xbf),
  Buffer.of(0xc0, 0x80),
  Buffer.of(0xed, 0xa0, 0x80),
  Buffer.of(0xf4, 0x90, 0x80, 0x80),
  Buffer.from('\r\n\r\n'),
  Buffer.from('0\r\n\r\n'),
  Buffer.from('\\u0000'),
  Buffer.from('}{'),
];

/** Returns the same bytes with some changed, as by a broken connection, a proxy or an attacker. */
function damaged(random: Random, body: Buffer, family: Family): Buffer {
  const at = random.between(0, body.length);
  const to = random.between(at, body.length);
  const [start, middle, end] = [body.subarray(0, at), body.subarray(at, to), body.subarray(to)];
  return random.weighted<() => Buffer>([
    [6, () => withFlippedBits(random, body)],
    [4, () => start],
    [2, () => Buffer.concat([start, end])],
    [2, () => Buffer.concat([start, middle, middle, end])],
    [4, () => Buffer.concat([start, random.pick(PIECES), middle, end])],
    [3, () => Buffer.concat([start, realBody(random, family).subarray(to)])],
    [2, () => Buffer.concat([start, random.bytes(random.between(1, 40)), end])],
    [1, () => Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), body])],
    [1, () => Buffer.concat([Buffer.alloc(random.between(1, 5_000), ' '), body])],
    [1, () => Buffer.concat([body, body])],
    [1, () => Buffer.from(body.toString(), 'utf16le')],
    [1, () => gzipSync(body)],
  ])();
}

function withFlippedBits(random: Random, body: Buffer): Buffer {
  const flipped = Buffer.from(body);
  for (let times = random.between(1, 20); times > 0 && flipped.length > 0; times--) {
    const at = random.between(0, flipped.length - 1);
    flipped[at] = (flipped[at] as number) ^ (1 << random.between(0, 7));
  }
  return flipped;
}
