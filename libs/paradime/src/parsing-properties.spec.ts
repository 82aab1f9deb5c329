import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ParseResult } from 'nestjs-runhooks/core';
import { storedMessage } from '../../../test/providers/stored-message.js';
import { paradime } from './source.js';

type Json = Record<string, unknown>;

const provider = paradime({ name: 'paradime', scheme: 'unsigned-insecure' }).open();
const texts = ['run-started', 'run-completed-failed'].map((name) =>
  readFileSync(new URL(`../../../test/fixtures/paradime/${name}.json`, import.meta.url), 'utf8'),
);
const samples = texts.map((text) => JSON.parse(text) as Json);

function parse(body: Uint8Array): ParseResult {
  return provider.parse(storedMessage(body));
}

const TYPES = [
  ['run.started'],
  ['run.succeeded', 'run.completed'],
  ['run.failed', 'run.completed'],
  ['run.canceled', 'run.completed'],
  ['run.completed'],
];
const SUCCESS = /^\s*(succeeded|success|passed|finished)\s*$/i;

/** Returns the contradictions in a result: types that exclude each other, a false success, invalid parts of keys. */
function flawsOf(result: ParseResult): string[] {
  if (result.state !== 'parsed') return result.reason === '' ? ['no reason'] : [];
  const { types, run, occurredAt } = result.signal;
  const keys = [run.id, run.account.id, run.job.key];
  return [
    ...(TYPES.some((list) => list.join() === types.join()) ? [] : [`types ${types.join()}`]),
    ...(types.includes('run.succeeded') && !SUCCESS.test(run.providerStatus ?? '') ? ['an invented success'] : []),
    ...(Number.isNaN(occurredAt.getTime()) ? ['no time'] : []),
    ...(keys.every((key) => key !== '' && !/[\p{Cc}\p{Cs}]/u.test(key)) ? [] : ['a key that is none']),
  ];
}

function expectSound(result: ParseResult): void {
  expect(flawsOf(result)).toEqual([]);
}

/** All paths into a value, its root excluded. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...pathsOf(inner, [...path, key])]);
}

function replaced(sample: Json, path: readonly string[], value: unknown): Json {
  const copy = structuredClone(sample);
  const holder = path.slice(0, -1).reduce<Json>((inner, key) => inner[key] as Json, copy);
  if (value === undefined) delete holder[path.at(-1)!];
  else holder[path.at(-1)!] = value;
  return copy;
}

const aStatus = fc.oneof(
  fc.constantFrom(
    'succeeded',
    'SUCCESS',
    'Passed',
    'finished',
    'failed',
    'canceled',
    'running',
    'skipped',
    'completed',
    'ok',
  ),
  fc.string({ unit: 'binary' }),
  fc.constant(null),
);
const aNothing = fc.constantFrom(undefined, null, '', []);

describe('parse', () => {
  it('never throws or contradicts itself if bytes of a sample are changed', () => {
    const aChange = fc.record({
      sample: fc.constantFrom(...texts),
      at: fc.nat(5_000),
      bytes: fc.uint8Array({ maxLength: 4 }),
    });
    fc.assert(
      fc.property(aChange, ({ sample, at, bytes }) => {
        const body = Buffer.from(sample);
        const from = at % body.length;
        expectSound(parse(Buffer.concat([body.subarray(0, from), bytes, body.subarray(from + bytes.length)])));
      }),
      { numRuns: 500 },
    );
  });

  it('never throws or contradicts itself if a part of a sample is replaced', () => {
    const aPart = fc.constantFrom(...samples.flatMap((sample) => pathsOf(sample).map((path) => ({ sample, path }))));
    const aValue = fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.constant(undefined));
    fc.assert(
      fc.property(aPart, aValue, ({ sample, path }, value) => {
        expectSound(parse(Buffer.from(JSON.stringify(replaced(sample, path, value)))));
      }),
      { numRuns: 1_000 },
    );
  });

  it('never reports a start with an end, or a false success, for any mix of deciding fields', () => {
    const fields = fc.record({
      status: aStatus,
      commands: fc.oneof(aNothing, fc.constant([{ id: 1, status: 'succeeded', return_code: 0 }])),
      end_dttm: fc.oneof(aNothing, fc.constant('2023-10-15 16:44:39.891890')),
      error_string: fc.oneof(aNothing, fc.string({ unit: 'binary' })),
    });
    fc.assert(
      fc.property(fc.constantFrom(...samples), fields, (sample, mix) => {
        expectSound(parse(Buffer.from(JSON.stringify({ ...sample, ...mix }))));
      }),
      { numRuns: 1_000 },
    );
  });

  it('never throws for any JSON', () => {
    fc.assert(fc.property(fc.json({ stringUnit: 'binary' }), (body) => expectSound(parse(Buffer.from(body)))));
  });
});
