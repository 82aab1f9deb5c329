import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeBase64 } from './base64.js';

describe('decodeBase64', () => {
  it('decodes any bytes, with and without padding', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64');
        expect(decodeBase64(text)).toEqual(Buffer.from(bytes));
        expect(decodeBase64(text.replaceAll('=', ''))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it.each(['', '=', '==', 'A', 'A===', 'AA=', 'AAA==', 'AAAA=', 'AA==AA==', 'AA-_', 'AA A', 'AAAA\n', 'ÄAAA'])(
    'rejects %j',
    (text) => {
      expect(decodeBase64(text)).toBeUndefined();
    },
  );
});
