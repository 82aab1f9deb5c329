import { Buffer } from 'node:buffer';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { JsonCutter, type JsonSink } from './json-cutter.js';
import { ARTIFACT_LIMITS } from './limits.js';
import { UnreadableFile } from './unreadable-file.js';

/** Rebuilds a document from the values that are cut out of it. Throws if one of them is not JSON. */
class Rebuilt implements JsonSink {
  readonly containers: ReadonlyMap<string, '[' | '{'> = new Map([
    ['results', '['],
    ['nodes', '{'],
  ]);
  readonly members = new Map<string, unknown>();
  readonly left: (string | number)[] = [];

  constructor(readonly unwanted: ReadonlySet<string | number> = new Set()) {}

  open(container: string): void {
    this.members.set(container, this.containers.get(container) === '[' ? [] : new Map());
  }

  wants(key: string | number): boolean {
    return !this.unwanted.has(key);
  }

  take(text: string | undefined, key: string | number, container?: string): void {
    if (text === undefined) {
      this.left.push(key);
      return;
    }
    const value: unknown = JSON.parse(text);
    const holder = container === undefined ? this.members : this.members.get(container);
    if (Array.isArray(holder)) holder[Number(key)] = value;
    else if (holder instanceof Map) holder.set(key, value);
  }

  value(): object {
    const object = (map: ReadonlyMap<string, unknown>): object => Object.fromEntries(map);
    return object(
      new Map([...this.members].map(([key, value]) => [key, value instanceof Map ? object(value) : value])),
    );
  }
}

function rebuild(bytes: Buffer, sizes: readonly number[] = [bytes.length]): object {
  const rebuilt = new Rebuilt();
  const cutter = new JsonCutter(rebuilt);
  for (let at = 0, part = 0; at < bytes.length; part++) {
    const size = sizes[part % sizes.length] ?? bytes.length;
    cutter.push(bytes.subarray(at, at + size));
    at += size;
  }
  cutter.end();
  return rebuilt.value();
}

/** The document as an object, or `undefined` if it is not JSON or its root is not an object. */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function attempt(bytes: Buffer, sizes: readonly number[]): unknown {
  try {
    return rebuild(bytes, sizes);
  } catch (error) {
    if (error instanceof UnreadableFile || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('"', '\\', '\\"', '{"a":[', '}]', '\u2028', '😀', 'é'),
);
const value = fc.jsonValue({ noUnicodeString: false, maxDepth: 3 });
const document = fc
  .record(
    {
      metadata: value,
      results: fc.oneof({ weight: 4, arbitrary: fc.array(value) }, { weight: 1, arbitrary: value }),
      nodes: fc.oneof({ weight: 4, arbitrary: fc.dictionary(text, value) }, { weight: 1, arbitrary: value }),
      elapsed_time: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.bigInt().map(Number)),
      text,
    },
    { requiredKeys: [] },
  )
  .chain((object) => fc.constantFrom(undefined, 1, '\t').map((space) => JSON.stringify(object, null, space)));
const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 });

describe('JsonCutter', () => {
  it('finds the same values as JSON.parse in any document, however it is cut into slices', () => {
    fc.assert(
      fc.property(document, sizes, (json, parts) => {
        expect(rebuild(Buffer.from(json), parts)).toEqual(parsed(json));
      }),
      { numRuns: 1_000 },
    );
  });

  it('accepts the same documents as JSON.parse, after any change of some characters', () => {
    const characters = fc.constantFrom(
      ...'"\\{}[]:, \n0-.eE1tn<=\u0001x',
      '',
      'NaN',
      'true',
      '\\n',
      ',,',
      '{}',
      'null',
    );
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 2 }), characters), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(document, changes, sizes, (json, edits, parts) => {
        const changed = edits.reduce((whole, [position, removed, added]) => {
          const at = position % (whole.length + 1);
          return whole.slice(0, at) + added + whole.slice(at + removed);
        }, json);
        // A half of a character does not survive the encoding.
        const bytes = Buffer.from(changed);
        expect(attempt(bytes, parts)).toEqual(parsed(bytes.toString()));
      }),
      { numRuns: 3_000 },
    );
  });

  it('accepts a byte order mark only at the start', () => {
    expect(rebuild(Buffer.from('\ufeff {"a":1}'), [1])).toEqual({ a: 1 });
    expect(() => rebuild(Buffer.from(' \ufeff{"a":1}'))).toThrow(UnreadableFile);
    expect(() => rebuild(Buffer.from('\ufeff\ufeff{"a":1}'))).toThrow(UnreadableFile);
    expect(() => rebuild(Buffer.from([0xef, 0xbb, 0x7b, 0x7d]))).toThrow(UnreadableFile);
  });

  it('keeps the last of several members with one name, as JSON.parse does', () => {
    const json = '{"results":[1,2],"args":{"a":1},"results":[3],"args":{"b":2},"nodes":{"x":1,"x":2}}';
    expect(rebuild(Buffer.from(json), [3])).toEqual({ results: [3], args: { b: 2 }, nodes: { x: 2 } });
  });

  it.each(['<', '=', '>', '\\', '\0', "'", '/', '#', 'x', 'é'])(
    'rejects %j outside a string of an unwanted value',
    (odd) => {
      const cutter = new JsonCutter(new Rebuilt(new Set(['args'])));
      expect(() => cutter.push(Buffer.from(`{"args":{"a":1${odd}}}`))).toThrow(UnreadableFile);
    },
  );

  it.each(['{"args":[1}}', '{"args":{"a":[}]}', '{"args":]'])('rejects brackets that do not match: %s', (json) => {
    const cutter = new JsonCutter(new Rebuilt(new Set(['args'])));
    expect(() => cutter.push(Buffer.from(json))).toThrow(UnreadableFile);
  });

  it('leaves out values that are nested too deep, and goes on after them', () => {
    const depth = 100_000;
    const rebuilt = new Rebuilt();
    const cutter = new JsonCutter(rebuilt);
    cutter.push(Buffer.from(`{"results":[1,${'['.repeat(depth)}${']'.repeat(depth)}],"a":2}`));
    cutter.end();
    expect(rebuilt.left).toEqual([1]);
    expect(rebuilt.value()).toEqual({ results: [1], a: 2 });
  });

  it('leaves out values that are too large, and goes on after them', () => {
    const rebuilt = new Rebuilt();
    const cutter = new JsonCutter(rebuilt);
    const bytes = Buffer.from(`{"results":["${'x'.repeat(ARTIFACT_LIMITS.valueBytesMax)}"],"a":2}`);
    for (let at = 0; at < bytes.length; at += 65_536) cutter.push(bytes.subarray(at, at + 65_536));
    cutter.end();
    expect(rebuilt.left).toEqual([0]);
    expect(rebuilt.value()).toEqual({ results: [], a: 2 });
  });
});
