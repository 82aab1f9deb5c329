import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ParseResult, Provider, Run } from 'nestjs-runhooks/core';
import { storedMessage } from './stored-message.js';

export type Json = Record<string, unknown>;

/** A body, and the paths of its fields that decide. */
export interface Sample {
  readonly body: Json;
  readonly deciding: RegExp;
  /** Paths of fields that decide only by being present. */
  readonly present: RegExp;
}

export interface MinorFields {
  readonly provider: Provider;
  readonly samples: readonly Sample[];
  /** Paths of fields that no sample has. */
  readonly added: readonly string[];
  /** Values that a provider sends only by mistake. */
  readonly odd: readonly unknown[];
  readonly isBlank: (value: unknown) => boolean;
  /** Returns the facts of a run that follow from deciding fields. */
  readonly decided: (run: Run) => unknown;
  /** Returns the names of declared fields whose value has another type than declared. */
  readonly mistyped: (payload: Json) => string[];
}

/** Numbers that JSON.stringify cannot write. Strings stand for them until the body is written. */
const RAW = /"raw:([^"]*)"/g;

/** Tests that fields which decide nothing can have any value. */
export function itIgnoresMinorFields(options: MinorFields): void {
  const { provider, samples, added, isBlank } = options;
  const value = fc.oneof(
    fc.jsonValue({ stringUnit: 'binary' }),
    fc.constantFrom<unknown>(...options.odd, 0, 'None', ' ', 'a\tb', 'x'.repeat(300)),
    fc.constantFrom('raw:1e400', 'raw:9007199254740993'),
  );
  const filled = value.filter((one) => !isBlank(one) && !(Array.isArray(one) && one.length === 0));

  /** A sample, and the same with other values of minor fields. Fields within others are replaced first. */
  const pair = fc.constantFrom(...samples).chain(({ body, deciding, present }) =>
    fc
      .subarray(
        [...pathsOf(body), ...added].filter((path) => !deciding.test(path)),
        { minLength: 1 },
      )
      .chain((paths) =>
        fc.tuple(...paths.map((path) => fc.tuple(fc.constant(path), present.test(path) ? filled : value))),
      )
      .map((replacements) => ({ body, changed: withValues(body, replacements) })),
  );

  const parse = (body: Json): ParseResult => provider.parse(storedMessage(JSON.stringify(body).replace(RAW, '$1')));

  const decisionOf = (result: ParseResult): unknown => {
    if (result.state !== 'parsed') return result;
    const { types, run } = result.signal;
    return { messageType: result.messageType, types, decided: options.decided(run) };
  };

  describe('fields that decide nothing', () => {
    it('change no event and no deciding fact of the run, and keep their declared types, whatever they contain', () => {
      fc.assert(
        fc.property(pair, ({ body, changed }) => {
          const result = parse(changed);
          expect(decisionOf(result)).toEqual(decisionOf(parse(body)));
          expect(result.state === 'parsed' ? options.mistyped(result.payload as Json) : []).toEqual([]);
        }),
        { numRuns: 5_000, interruptAfterTimeLimit: 5_000, markInterruptAsFailure: false },
      );
    });
  });
}

/** Returns the paths of all members, for example `data.runId`, inner ones first. */
function pathsOf(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [...pathsOf(inner, [...path, key]), [...path, key].join('.')]);
}

function withValues(body: Json, replacements: readonly (readonly [path: string, value: unknown])[]): Json {
  const changed = structuredClone(body);
  for (const [path, value] of replacements) {
    const keys = path.split('.');
    const last = keys.pop() as string;
    keys.reduce<Json>((inner, key) => inner[key] as Json, changed)[last] = value;
  }
  return changed;
}
