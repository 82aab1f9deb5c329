import { afterEach, describe, expect, it } from '@jest/globals';
import { placeOf, requireOneCopy } from './one-copy.js';
import { ConfigurationError } from './errors.js';

/** The map that all copies of this package share. */
const copies = (globalThis as { [key: symbol]: unknown })[Symbol.for('nestjs-runhooks:loaded-copies')] as Map<
  string,
  string
>;
const own = [...copies];
const [place, format] = own[0]!;

describe('requireOneCopy', () => {
  afterEach(() => {
    copies.clear();
    for (const [ownPlace, ownFormat] of own) copies.set(ownPlace, ownFormat);
  });

  it('accepts the one copy that is loaded', () => {
    expect(own).toHaveLength(1);
    expect(place).toMatch(/libs$/);
    expect(requireOneCopy).not.toThrow();
  });

  it('throws if both builds are loaded, with their places and the remedy', () => {
    copies.set('/app/nestjs-runhooks/dist/esm', format === 'ESM' ? 'CommonJS' : 'ESM');
    expect(requireOneCopy).toThrow(ConfigurationError);
    expect(requireOneCopy).toThrow(/libs and \/app\/nestjs-runhooks\/dist\/esm.*`import`.*`require`/);
  });

  it('throws if two copies of one format are loaded, with their places and the remedy', () => {
    copies.set('/lib/node_modules/nestjs-runhooks/dist/esm', format);
    expect(requireOneCopy).toThrow(ConfigurationError);
    expect(requireOneCopy).toThrow(
      /expected one copy .*, got 2, .*libs and \/lib\/node_modules\/nestjs-runhooks\/dist\/esm\. .*peerDependencies/,
    );
  });

  it('accepts one file that is loaded twice', () => {
    copies.set(place, format);
    expect(requireOneCopy).not.toThrow();
  });
});

describe('placeOf', () => {
  it.each([
    ['an ES module', '    at file:///a%20b/rh/dist/esm/core/src/one-copy.js:30:36', '/a%20b/rh/dist/esm'],
    ['a query', '    at file:///a/dist/esm/core/src/one-copy.js?t=17:30:36', '/a/dist/esm'],
    ['a query on a path', '    at /a/dist/esm/core/src/one-copy.js?v=1a:30:36', '/a/dist/esm'],
    ['an entry', '    at file:///a/rh/dist/esm/core/src/internal.js:30:36', '/a/rh/dist/esm'],
    ['a shared file', '    at Object.<anonymous> (/a/dist/cjs/chunks/runhooks-0f7c887b.js:3:1)', '/a/dist/cjs'],
    ['CommonJS', '    at Object.<anonymous> (/a (1)/dist/cjs/core/src/one-copy.js:3:1)', '/a (1)/dist/cjs'],
    [
      'Windows',
      String.raw`    at Object.<anonymous> (C:\a\dist\cjs\core\src\one-copy.js:3:1)`,
      String.raw`C:\a\dist\cjs`,
    ],
    ['a bundle', '    at Object.<anonymous> (/app/dist/main.js:1:9041)', '/app/dist/main.js'],
    ['webpack', '    at eval (webpack-internal:///./x/one-copy.js:3:1)', 'webpack-internal:///./x/one-copy.js'],
  ])('finds the place in a stack of %s', (_, frame, expected) => {
    expect(placeOf(`Error\n${frame}\n    at node:internal/modules:1:2`)).toBe(expected);
  });

  it.each([undefined, '', 'Error', ['a frame'], 'Error\n    at native'])('finds none in %j', (stack) => {
    expect(placeOf(stack)).toBeUndefined();
  });
});
