import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { matchesPattern } from './glob.js';

describe('matchesPattern', () => {
  it.each([
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'anything\nat all', true],
    ['**', '', true],
    ['nightly', 'nightly', true],
    ['nightly', 'nightly-1', false],
    ['nightly', 'the nightly', false],
    ['nightly-*', 'nightly-', true],
    ['nightly-*', 'nightly-eu', true],
    ['nightly-*', 'nightly', false],
    ['nightly-*', 'Nightly-eu', false],
    ['*-eu', 'nightly-eu', true],
    ['*-eu', 'nightly-eu-2', false],
    ['*eu*', 'eu', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['ab*ba', 'aba', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['*ab*ab', 'ab', false],
    ['*ab*ab', 'abab', true],
    ['run (daily) [v1.0]?', 'run (daily) [v1.0]?', true],
    ['v1.0', 'v1x0', false],
    ['job?', 'job1', false],
    ['[ab]', 'a', false],
    ['\\*', '\\anything', true],
    ['\\*', '*', false],
    ['$&*', '$&x', true],
    ['ジョブ*', 'ジョブ1', true],
    ['12345', '12345', true],
  ])('returns for the pattern %j and the text %j: %p', (pattern, text, expected) => {
    expect(matchesPattern(pattern, text)).toBe(expected);
  });

  it('agrees with a regular expression in which * is any characters', () => {
    const letters = (...units: string[]) => fc.string({ unit: fc.constantFrom(...units), maxLength: 12 });
    fc.assert(
      fc.property(letters('a', 'b', '*', '.', '\n'), letters('a', 'b', '.', '*', '\n'), (pattern, text) => {
        const source = pattern.split('*').map((part) => part.replace(/[.\n]/g, (character) => `[${character}]`));
        expect(matchesPattern(pattern, text)).toBe(new RegExp(`^${source.join('.*')}$`, 's').test(text));
      }),
      { numRuns: 5_000 },
    );
  });

  it.each([
    ['a*'.repeat(50) + 'b', 'a'.repeat(200_000)],
    ['*a'.repeat(50) + 'b*', 'a'.repeat(200_000)],
    [`*${'a'.repeat(1_000)}b*`, 'a'.repeat(200_000)],
    ['*'.repeat(10_000) + 'b', 'a'.repeat(200_000)],
  ])('takes linear time for a malicious pattern (%#)', (pattern, text) => {
    // Of the processor, since on a busy machine the time by the clock says little.
    const before = process.cpuUsage();
    expect(matchesPattern(pattern, text)).toBe(false);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(1_000);
  });
});
