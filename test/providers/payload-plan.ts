import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseJson, type PayloadClass } from 'nestjs-runhooks/core';
import { takeValid } from 'inside/payload-plan';
import { validatePayload, validateSlowly } from 'inside/payload-validation';

type Json = Record<string, unknown>;

/** Numbers and objects that JSON.stringify cannot write. Strings stand for them until the body is written. */
const RAW = /"raw:([^"]*)"/g;

/** Returns the paths of all members. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[...path, key], ...pathsOf(inner, [...path, key])]);
}

/** Replaces or adds one member, if an earlier change has not removed its place. */
function change(body: Json, path: readonly string[], value: unknown): void {
  const holder = path.slice(0, -1).reduce<unknown>((inner, key) => (inner as Json | undefined)?.[key], body);
  if (typeof holder === 'object' && holder !== null) (holder as Json)[path.at(-1) as string] = value;
}

/** All own properties in order, with prototypes. */
function shapeOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const members = Reflect.ownKeys(value).map((key) => [key, shapeOf((value as Record<PropertyKey, unknown>)[key])]);
  return [Object.getPrototypeOf(value), members];
}

/** Tests that the plan of a payload class takes valid bodies, and agrees with class-validator about all others. */
export function itAgreesWithClassValidator(dto: PayloadClass, samples: readonly Json[]): void {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(undefined, null, '', 'None', ' NaT', '2023-01-31T19:28:07Z', 0, -12, '12', 'x\u0000'),
    fc.constantFrom('raw:1e400', 'raw:9007199254740993', { constructor: 1 }, [null], [{ id: 1 }], { uid: '1' }),
  );
  const changed = fc.constantFrom(...samples).chain((sample) => {
    const added = fc.constantFrom('new', 'constructor', 'toString').map((name) => [name]);
    const path = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...pathsOf(sample)) }, added);
    return fc.tuple(fc.constant(sample), fc.array(fc.tuple(path, value), { maxLength: 3 }));
  });

  describe('the plan of the payload class', () => {
    it('takes every sample', () => {
      for (const sample of samples) expect(takeValid(dto, sample)).toBeInstanceOf(dto);
    });

    it('agrees with class-validator about the payload, the notes and the reason of changed samples', () => {
      const counts = { taken: 0, left: 0 };
      fc.assert(
        fc.property(changed, ([sample, changes]) => {
          const body = structuredClone(sample);
          for (const [path, one] of changes) change(body, path, structuredClone(one));
          const text = Buffer.from(JSON.stringify(body).replace(RAW, '$1'));
          const [json, again] = [parseJson(text), parseJson(text)];
          if (!json.ok || !again.ok) throw new Error('a changed sample is JSON');
          counts[takeValid(dto, json.value) === undefined ? 'left' : 'taken'] += 1;
          expect(shapeOf(validatePayload(dto, json.value))).toEqual(shapeOf(validateSlowly(dto, again.value)));
          expect(json).toEqual(again);
        }),
        { numRuns: 500 },
      );
      expect(Math.min(counts.taken, counts.left)).toBeGreaterThan(0);
    });
  });
}
