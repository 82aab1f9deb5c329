import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { HeaderMap } from '../sources/message.js';
import { staticToken } from './static-token.js';

const TOKEN = 'Bearer 0f6c-shared-token';
const scheme = staticToken({ header: 'X-Paradime-Token', tokens: ['the next one of them', ` ${TOKEN}\n`] });

function verify(headers: HeaderMap) {
  return scheme.verify({ source: 'paradime', body: Buffer.from('{}'), headers, receivedAt: new Date(0) });
}

describe('staticToken', () => {
  it('accepts a configured token and returns its index', () => {
    expect(verify({ 'x-paradime-token': TOKEN })).toEqual({ ok: true, secretIndex: 1 });
    expect(verify({ 'x-paradime-token': 'the next one of them' })).toEqual({ ok: true, secretIndex: 0 });
  });

  it.each<[string, HeaderMap, string]>([
    ['no header', {}, 'missing-header'],
    ['an empty header', { 'x-paradime-token': '' }, 'missing-header'],
    ['the token in another header', { authorization: TOKEN }, 'missing-header'],
    ['a part of it', { 'x-paradime-token': TOKEN.slice(0, -1) }, 'signature-mismatch'],
    ['more than it', { 'x-paradime-token': `${TOKEN}x` }, 'signature-mismatch'],
    ['it without its scheme', { 'x-paradime-token': TOKEN.slice('Bearer '.length) }, 'signature-mismatch'],
    ['another case', { 'x-paradime-token': TOKEN.toUpperCase() }, 'signature-mismatch'],
    ['the header sent twice', { 'x-paradime-token': `${TOKEN}, ${TOKEN}` }, 'signature-mismatch'],
  ])('rejects %s', (_name, headers, check) => {
    const verification = verify(headers);
    expect(verification).toMatchObject({ ok: false, check });
    expect(JSON.stringify(verification)).not.toContain('0f6c');
  });

  it('rejects every other value', () => {
    fc.assert(fc.property(fc.string(), (value) => value === TOKEN || !verify({ 'x-paradime-token': value }).ok));
  });

  it('stores no header, has no signed id, and does not expose its tokens when it is printed', () => {
    expect(scheme).toMatchObject({ description: 'static token in X-Paradime-Token, 2 tokens', headersKept: [] });
    expect(scheme.signedId({ 'x-paradime-token': TOKEN })).toBe('');
    expect(inspect(scheme, { depth: null, showHidden: true })).not.toContain('0f6c');
  });

  it.each<[string, unknown, string]>([
    ['no header name', { tokens: [TOKEN] }, 'header'],
    ['no tokens', { header: 'x-token', tokens: [] }, 'tokens'],
    ['an unset token', { header: 'x-token', tokens: [undefined] }, 'tokens[0]'],
    ['an empty token', { header: 'x-token', tokens: [TOKEN, ' '] }, 'tokens[1]'],
    ['a token that headers cannot carry', { header: 'x-token', tokens: ['tökén of sixteen'] }, 'tokens[0]'],
    ['a token of two lines', { header: 'x-token', tokens: ['a token of\ntwo lines'] }, 'tokens[0]'],
    ['a token of 15 characters', { header: 'x-token', tokens: ['123456789012345'] }, 'tokens[0]'],
    ['a short token behind its scheme', { header: 'x-token', tokens: ['Bearer 1234567890'] }, 'tokens[0]'],
  ])('throws for %s', (_name, options, option) => {
    const make = () => staticToken(options as Parameters<typeof staticToken>[0]);
    expect(make).toThrow(expect.objectContaining({ code: 'RUNHOOKS_CONFIGURATION', option }));
  });
});
