import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ParseResult } from 'nestjs-runhooks/core';
import { storedMessage } from '../../../test/providers/stored-message.js';
import { dbtCloud } from './source.js';

const fixtures = new URL('../../../test/fixtures/dbt-cloud/', import.meta.url);
const bodies = readdirSync(fixtures).map((name) => readFileSync(new URL(name, fixtures)));
const provider = dbtCloud({ name: 'dbt', secrets: ['a-secret'] }).open();

/** Returns the contradictions in a result, such as parts of keys that are invalid, or types that exclude each other. */
function flawsOf(result: ParseResult): string[] {
  if (result.state !== 'parsed') return result.reason === '' ? ['no reason'] : [];
  const { types, run, occurredAt } = result.signal;
  const last = types.at(-1);
  const flaws = {
    'ends with an outcome': last !== 'run.started' && last !== 'run.failed' && last !== 'run.completed',
    'has several outcomes': types.length > 2,
    'is a success with another status': types.includes('run.succeeded') !== (run.status === 'succeeded'),
    'happened at no time': Number.isNaN(occurredAt.getTime()),
    'has a key with a character that is none': ![run.id, run.account.id, run.job.key].every((key) =>
      /^\P{C}+$/u.test(key),
    ),
  };
  return Object.entries(flaws).flatMap(([flaw, found]) => (found ? [flaw] : []));
}

function expectSound(result: ParseResult): void {
  expect(flawsOf(result)).toEqual([]);
}

const json = fc.jsonValue({ maxDepth: 3 });
const hostile = fc.constantFrom<unknown>(
  null,
  '',
  'None',
  'SUCCESS ',
  [],
  {},
  { length: 9 },
  { then: 1, constructor: 2 },
  -0,
  1e300,
  '\u0000',
);

describe('parse', () => {
  it('never throws if a field of a sample is replaced, removed or added', () => {
    const edit = fc.record({
      body: fc.constantFrom(...bodies),
      within: fc.boolean(),
      field: fc.nat(),
      name: fc.oneof(
        fc.constant(undefined),
        fc.constantFrom('constructor', 'toString', 'hasOwnProperty', 'then', 'eventType', 'runId'),
      ),
      value: fc.oneof(hostile, json, fc.constant(undefined)),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const root = JSON.parse(edits[0]!.body.toString()) as Record<string, unknown>;
        for (const { within, field, name, value } of edits) {
          const inner = root['data'];
          const target =
            within && typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : root;
          const keys = Object.keys(target);
          target[name ?? keys[field % keys.length] ?? 'x'] = structuredClone(value);
        }
        const sent = storedMessage(Buffer.from(JSON.stringify(root)));
        expectSound(provider.parse(sent));
        expect(provider.identify(sent)).toEqual(expect.any(String));
      }),
      { numRuns: 2_000 },
    );
  });

  it('never throws for changed bytes of a sample, or for any bytes', () => {
    const damaged = fc
      .tuple(fc.constantFrom(...bodies), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
      .map(([body, changes, length]) => {
        const bytes = Buffer.from(body);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        return length % 3 === 0 ? bytes.subarray(0, length % bytes.length) : bytes;
      });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array()), (bytes) => {
        expectSound(provider.parse(storedMessage(bytes)));
        expect(provider.identify(storedMessage(bytes))).toEqual(expect.any(String));
      }),
      { numRuns: 2_000 },
    );
  });

  it('reports a success only for a status in the success table', () => {
    const types = fc.constantFrom(
      'job.run.started',
      'job.run.completed',
      'job.run.errored',
      'job.run.canceled',
      'job.run.cancelled',
    );
    const code = fc.oneof(fc.integer(), fc.nat(99), fc.constantFrom(undefined, null, '10', '20', 10, 20));
    const words = ['Success', 'success', 'complete', 'Completed', 'Errored', 'Cancelled', 'Skipped', 'None', ''];
    const text = fc.oneof(fc.string(), fc.constantFrom<unknown>(undefined, null, ...words));
    fc.assert(
      fc.property(types, code, text, (eventType, runStatusCode, runStatus) => {
        const data = { runId: '1', jobId: '2', runStatus, runStatusCode };
        const result = provider.parse(storedMessage(Buffer.from(JSON.stringify({ accountId: 1, eventType, data }))));
        const known = typeof runStatus === 'string' && ['success', 'complete'].includes(runStatus.trim().toLowerCase());
        const success = runStatusCode === undefined || runStatusCode === null ? known : Number(runStatusCode) === 10;
        const succeeded = result.state === 'parsed' && result.signal.types.includes('run.succeeded');
        expect(succeeded).toBe(eventType === 'job.run.completed' && success);
      }),
      { numRuns: 2_000 },
    );
  });
});
