import type { Random } from './random.js';

/** Values that payloads do not have, or not at that position: valid JSON, or a beginner's mistakes. */
const VALUES: readonly string[] = [
  'null',
  'true',
  '""',
  '" "',
  '"None"',
  '{}',
  '[]',
  '[null]',
  '[[]]',
  '{"":{}}',
  '0',
  '-0',
  '-1',
  '1.5',
  '20',
  '"20"',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993.0',
  '-9223372036854775808',
  '123456789012345678901234567890',
  '1e400',
  '-1E+400',
  '1e-400',
  `1${'0'.repeat(400)}`,
  `0.${'1'.repeat(2_000)}`,
  '"\\u0000"',
  '"a\\u0000b"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u202e\\u200b"',
  '"\\r\\n[Nest] forged line"',
  '"\\u001b[31mred"',
  '"\u{1f4a5}e\u0301\ufeff"',
  '"\'; drop table messages; --"',
  '"${jndi:ldap://x}"',
  '"../../etc/passwd"',
  '"job.run.completed"',
  '"job.run.errored"',
  '"job.run.exploded"',
  '"Success"',
  '"Errored"',
  '"running"',
  '"0001-01-01T00:00:00Z"',
  '"2023-02-30T00:00:00Z"',
  '"2016-12-31T23:59:60Z"',
  '"2023-01-31T19:28:07.1234567891Z"',
  '"2023-01-31 19:28:07.5+23:59"',
  '"9999-12-31T23:59:59Z"',
  '1675193287',
  // The following values are not JSON.
  'NaN',
  'undefined',
  '01',
  '+1',
  '.5',
  "'single'",
  '"unended',
  '"raw \u0001 control"',
  '"\\x41"',
  '"\\u12"',
  '/* comment */ 1',
  '',
];

const KEYS: readonly string[] = [
  '""',
  '"__proto__"',
  '"constructor"',
  '"prototype"',
  '"toString"',
  '"hasOwnProperty"',
  '"then"',
  '"toJSON"',
  '"length"',
  '"0"',
  '"4294967295"',
  '"eventId"',
  '"event_id"',
  '"event_type"',
  '"data"',
  '"run_id"',
  '"webhooksID"',
  '"end_dttm"',
  '"commands"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\r\\nforged"',
  '"\u202ekey"',
  'unquoted',
];

export function oddValue(random: Random): string {
  return random.weighted<() => string>([
    [40, () => random.pick(VALUES)],
    [3, () => `"${random.word(random.between(1, 300))}"`],
    [1, () => `"${random.pick(['x', '\\u0000', '\\ud800', 'é', '*'])}${'x'.repeat(random.between(200, 3_000))}"`],
    [3, () => nested(random.between(2, 200))],
    [1, () => nested(random.between(1_000, 10_000))],
    [1, () => `[${repeated('{}', random.between(2, 6_000))}]`],
    [1, () => `[${repeated('null', random.between(2, 2_000))}]`],
    [1, () => `{${manyMembers(random, random.between(2, 3_000))}}`],
  ])();
}

export function oddKey(random: Random): string {
  return random.chance(0.9) ? random.pick(KEYS) : `"${random.word(random.between(100, 2_000))}"`;
}

function nested(depth: number): string {
  return depth % 2 === 0 ? `${'['.repeat(depth)}${']'.repeat(depth)}` : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
}

function repeated(item: string, times: number): string {
  return Array.from({ length: times }, () => item).join(',');
}

/** Engines store names that look like numbers differently. */
function manyMembers(random: Random, count: number): string {
  const prefix = random.pick(['', 'k']);
  return Array.from({ length: count }, (_, index) => `"${prefix}${index * 1_024}":0`).join(',');
}
