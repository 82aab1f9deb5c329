import { afterEach, describe, expect, it } from '@jest/globals';
import { requireOneCopy } from './copies.js';
import { ConfigurationError } from './errors.js';

/** Where the copies of this package meet: another build finds it by the same name. */
const formats = (globalThis as { [key: symbol]: unknown })[Symbol.for('nestjs-runhooks:loaded-formats')] as Set<string>;
const own = [...formats];

describe('requireOneCopy', () => {
  afterEach(() => {
    formats.clear();
    for (const format of own) formats.add(format);
  });

  it('finds the one format that is loaded, and nothing wrong with it', () => {
    expect(own).toHaveLength(1);
    expect(requireOneCopy).not.toThrow();
  });

  it('refuses to go on where both builds are loaded, and says how to get out of it', () => {
    formats.add('ESM').add('CommonJS');
    expect(requireOneCopy).toThrow(ConfigurationError);
    expect(requireOneCopy).toThrow(/`import`.*`require`/);
  });

  it('sees the same format loaded twice as one', () => {
    for (const format of own) formats.add(format);
    expect(requireOneCopy).not.toThrow();
  });
});
