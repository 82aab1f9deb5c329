import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { restoreMessage, type ParseResult } from 'nestjs-runhooks/core';
import { dbtCloud } from './source.js';

type Fields = Record<string, unknown>;

const fixtures = new URL('../../../test/fixtures/dbt-cloud/', import.meta.url);
const provider = dbtCloud({ name: 'dbt', secrets: ['a-secret'] }).open();

/** All but the lifecycle event of 2021, which is not read. */
const SAMPLES = readdirSync(fixtures)
  .filter((name) => !name.startsWith('01-'))
  .map((name) => JSON.parse(readFileSync(new URL(name, fixtures), 'utf8')) as Fields & { data: Fields });

const DECIDING = /^(?:accountId|account_id|eventType|event_type|jobId|job_id|runId|run_id|data)$/;
const STATUS = /^(?:runStatus|run_status|runStatusCode)$/;

/** Numbers that JSON.stringify cannot write stand in texts until the body is written. */
const RAW = /"raw:([^"]*)"/g;
const value = fc.oneof(
  fc.jsonValue({ stringUnit: 'binary' }),
  fc.constantFrom<unknown>(0, 1675193287, '0001-01-01T00:00:00Z', 'None', ' ', 'a\tb', 'x'.repeat(300), {
    x: 'raw:1e22',
  }),
  fc.constantFrom('raw:1e400', 'raw:9007199254740993'),
);

/** Says something, so that a status is there, whatever it is. */
const telling = value.filter((one) => one !== null && !(typeof one === 'string' && ['', 'None'].includes(one.trim())));

interface Change {
  readonly within: boolean;
  readonly name: string;
  readonly to: fc.Arbitrary<unknown>;
}

function changesOf({ data, ...envelope }: (typeof SAMPLES)[number]): Change[] {
  const isCompleted = [envelope['eventType'], envelope['event_type']].includes('job.run.completed');
  const decisive = 'runStatusCode' in data ? 'runStatusCode' : 'runStatus' in data ? 'runStatus' : 'run_status';
  const isMinor = (name: string) => !DECIDING.test(name) && !(isCompleted && name === decisive);
  return [
    ...Object.keys(envelope).map((name) => ({ within: false, name })),
    ...Object.keys(data).map((name) => ({ within: true, name })),
    { within: false, name: 'new' },
    { within: true, name: 'new' },
  ]
    .filter(({ name }) => isMinor(name))
    .map((change) => ({ ...change, to: STATUS.test(change.name) ? telling : value }));
}

/** A sample, and the same with other values for any of its fields that decide nothing. */
const pair = fc.constantFrom(...SAMPLES).chain((sample) =>
  fc
    .subarray(changesOf(sample), { minLength: 1 })
    .chain((changes) => fc.tuple(...changes.map(({ to }) => to)).map((values) => ({ changes, values })))
    .map(({ changes, values }) => {
      const changed = structuredClone(sample);
      for (const [index, { within, name }] of changes.entries())
        (within ? changed.data : changed)[name] = values[index];
      return { sample, changed };
    }),
);

function read(body: unknown): ParseResult {
  const bytes = Buffer.from(JSON.stringify(body).replace(RAW, '$1'));
  const stored = { id: 'msg_1', source: 'dbt', provider: 'dbt-cloud', messageKey: '', state: 'stored' } as const;
  return provider.parse(restoreMessage({ ...stored, headers: {}, body: bytes, receivedAt: new Date(0) }));
}

function decisionOf(reading: ParseResult): unknown {
  if (reading.state !== 'parsed') return reading;
  const { types, run } = reading.signal;
  const { id, status, account, job } = run;
  return { messageType: reading.messageType, types, id, status, account, job: [job.key, job.id] };
}

/** Declared fields whose value is of another type than their declaration says. */
function mistyped(reading: ParseResult): string[] {
  if (reading.state !== 'parsed') return [];
  const { data, ...envelope } = reading.payload as { data: Fields };
  const declared = /^(?:webhookId|webhookName|eventId|timestamp|(?:job|run|environment|project|dbt)[A-Z]\w*)$/;
  return Object.entries({ ...envelope, ...data } as Fields).flatMap(([name, one]) => {
    if (!declared.test(name) || one === null || /^run_|_/.test(name)) return [];
    return typeof one === (name === 'runStatusCode' ? 'number' : 'string') ? [] : [`${name}: ${typeof one}`];
  });
}

describe('fields that decide nothing', () => {
  it('leave events, run, account and job as they were, whatever is in them, and never have another type in a payload', () => {
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
