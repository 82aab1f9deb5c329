import { describe, expect, it } from '@jest/globals';
import { LIMITS } from '../limits.js';
import { timers } from '../time/timers.js';
import { MessageCleaner, type Redact } from './clean-message.js';
import type { NodeResult } from './node-result.js';

const node: NodeResult = {
  uniqueId: 'test.shop.a.0123456789',
  kind: 'test',
  name: 'a',
  package: 'shop',
  outcome: 'failed',
  status: 'fail',
};

function cleanerOf(redact?: Redact) {
  const warnings: string[] = [];
  const logger = { debug: () => {}, log: () => {}, warn: (line: string) => void warnings.push(line), error: () => {} };
  const cleaner = new MessageCleaner({ logger, redact });
  const clean = (message: string): string | undefined => cleaner.clean({ ...node, message }, 'dbt').message;
  return { clean, cleaner, warnings };
}

describe('MessageCleaner', () => {
  it('removes ANSI codes and control characters, and keeps line feeds and tabs', () => {
    const { clean } = cleanerOf();
    expect(clean('\u001b[31mGot 2\u001b[0m results\r\n\tfrom \u0000a\u0007')).toBe('Got 2 results\n\tfrom a');
    expect(clean('\u001b]8;;https://x\u0007link\u001b]8;;\u0007')).toBe('link');
  });

  it('keeps the other members of the node', () => {
    const { cleaner } = cleanerOf();
    expect(cleaner.clean({ ...node, failures: 2 }, 'dbt')).toEqual({ ...node, failures: 2 });
    expect(cleaner.clean({ ...node, message: '\u0007' }, 'dbt')).toEqual(node);
  });

  it('cuts a message and never splits a pair of surrogates', () => {
    const { clean } = cleanerOf();
    const max = LIMITS.nodeMessageCharsMax;
    expect(clean('x'.repeat(max + 1))).toHaveLength(max);
    expect(clean(`${'x'.repeat(max - 1)}😀`)).toBe('x'.repeat(max - 1));
    expect(clean('a\ud800b')).toBe('ab');
  });

  it('redacts the whole message, before it is cut', () => {
    const { clean } = cleanerOf((text, { source, name }) => `${source} ${name} ${text.replaceAll('secret', '***')}`);
    const { length } = 'secret';
    const message = `${'x'.repeat(LIMITS.nodeMessageCharsMax - length / 2)}secret`;
    expect(clean(message)).not.toContain('sec');
    expect(clean('a secret')).toBe('dbt a a ***');
  });

  it('cleans what redact returns', () => {
    const { clean } = cleanerOf((text) => `${text}\u001b[31m \u0000\ud83d${'x'.repeat(10_000_000)}`);
    expect(clean('a')).toMatch(/^a x+$/);
    expect(clean('a')?.length).toBeLessThanOrEqual(LIMITS.nodeMessageCharsMax);
  });

  it('survives a redact option that is async by mistake', async () => {
    const { clean, warnings } = cleanerOf((() => Promise.reject(new Error('a secret'))) as unknown as Redact);
    expect(clean('a secret')).toBeUndefined();
    // An unhandled rejection would fail the spec.
    await timers.turn();
    expect(warnings).toEqual([expect.stringContaining('The redact option returned object instead of a string')]);
  });

  it.each([
    [
      'throws',
      (text: string): string => {
        throw new TypeError(text);
      },
      'threw TypeError',
    ],
    ['returns no string', () => undefined as unknown as string, 'returned undefined instead of a string'],
  ])('leaves the message out if redact %s, and logs that once without the text', (_name, redact, found) => {
    const { clean, warnings } = cleanerOf(redact);
    expect([clean('a secret'), clean('another secret')]).toEqual([undefined, undefined]);
    expect(warnings).toEqual([expect.stringContaining(`The redact option ${found}`)]);
    expect(warnings[0]).not.toContain('secret');
  });
});
