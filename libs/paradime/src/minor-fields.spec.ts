import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { restoreMessage, type ParseResult } from 'nestjs-runhooks/core';
import { isBlank } from './blank.js';
import { paradime } from './source.js';

type Json = Record<string, unknown>;
type Path = readonly string[];

const provider = paradime({ name: 'paradime', scheme: 'unsigned-insecure' }).open();
const [STARTED, FAILED] = ['run-started', 'run-completed-failed'].map(
  (name) =>
    JSON.parse(readFileSync(new URL(`../../../test/fixtures/paradime/${name}.json`, import.meta.url), 'utf8')) as Json,
) as [Json, Json];

/** A run that started is told by its `start_dttm`, one that is over by its `status`. */
const SAMPLES: readonly (readonly [sample: Json, deciding: RegExp])[] = [
  [STARTED, /^(?:id|workspace|workspace\.uid)$/],
  ...['succeeded', 'failed', 'canceled', 'skipped'].map(
    (status) => [{ ...FAILED, status }, /^(?:id|workspace|workspace\.uid|status)$/] as const,
  ),
];

/** Numbers that JSON.stringify cannot write stand in texts until the body is written. */
const RAW = /"raw:([^"]*)"/g;
const value = fc.oneof(
  fc.jsonValue({ stringUnit: 'binary' }),
  fc.constantFrom<unknown>(0, 1697388279, '1970-01-01 00:00:00', 'NaT', 'None', ' ', 'a\tb', 'x'.repeat(300), [[{}]]),
  fc.constantFrom('raw:1e400', 'raw:9007199254740993'),
);
/** An empty list says as little as nothing does. */
const telling = value.filter((one) => !isBlank(one) && !(Array.isArray(one) && one.length === 0));

function pathsOf(sent: unknown, path: Path = []): Path[] {
  if (typeof sent !== 'object' || sent === null) return [];
  return Object.entries(sent).flatMap(([key, inner]) => [...pathsOf(inner, [...path, key]), [...path, key]]);
}

/** A sample, and the same with other values for any of its fields that decide nothing; those within others first. */
const pair = fc.constantFrom(...SAMPLES).chain(([sample, deciding]) =>
  fc
    .subarray(
      [...pathsOf(sample), ['new']].filter((path) => !deciding.test(path.join('.'))),
      { minLength: 1 },
    )
    .chain((paths) =>
      fc.tuple(...paths.map((path) => (path.join() === 'start_dttm' ? telling : value))).map((values) => {
        const changed = structuredClone(sample);
        for (const [index, path] of paths.entries()) {
          const holder = path.slice(0, -1).reduce<Json>((inner, key) => inner[key] as Json, changed);
          holder[path.at(-1) as string] = values[index];
        }
        return { sample, changed };
      }),
    ),
);

function read(body: unknown): ParseResult {
  const bytes = Buffer.from(JSON.stringify(body).replace(RAW, '$1'));
  const stored = { id: 'msg_1', source: 'paradime', provider: 'paradime', messageKey: '', state: 'stored' } as const;
  return provider.parse(restoreMessage({ ...stored, headers: {}, body: bytes, receivedAt: new Date(0) }));
}

function decisionOf(reading: ParseResult): unknown {
  if (reading.state !== 'parsed') return reading;
  const { types, run } = reading.signal;
  return { messageType: reading.messageType, types, id: run.id, status: run.status, account: run.account.id };
}

const NESTED: readonly string[] = ['schedule', 'environment', 'workspace'];

/** Declared fields whose value is of another type than their declaration says. */
function mistyped(reading: ParseResult): string[] {
  if (reading.state !== 'parsed') return [];
  const payload = reading.payload as Json;
  const texts = ['uuid', 'schedule_name', 'status', 'error_string', 'start_dttm', 'end_dttm', 'run_url', 'api_url'];
  const commands = (payload['commands'] ?? []) as Json[];
  return [
    ...texts.filter((name) => typeof (payload[name] ?? '') !== 'string'),
    ...NESTED.filter((name) => typeof (payload[name] ?? {}) !== 'object' || Array.isArray(payload[name])),
    ...commands.flatMap((command) => [
      ...['id', 'command', 'status', 'start_dttm', 'end_dttm'].filter(
        (name) => typeof (command[name] ?? '') !== 'string',
      ),
      ...(typeof (command['return_code'] ?? 0) === 'number' ? [] : ['return_code']),
      ...(Array.isArray(command['json_resources'] ?? []) ? [] : ['json_resources']),
    ]),
  ];
}

describe('fields that decide nothing', () => {
  it('leave events, run and account as they were, whatever is in them, and never have another type in a payload', () => {
    fc.assert(
      fc.property(pair, ({ sample, changed }) => {
        const reading = read(changed);
        expect(decisionOf(reading)).toEqual(decisionOf(read(sample)));
        expect(mistyped(reading)).toEqual([]);
      }),
      { numRuns: 5_000, interruptAfterTimeLimit: 5_000, markInterruptAsFailure: false },
    );
  });
});
