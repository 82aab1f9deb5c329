import { describe, expect, it } from '@jest/globals';
import { unsigned } from './unsigned.js';

describe('unsigned', () => {
  it('accepts any message and trusts no id in a header', () => {
    const headers = { 'svix-id': 'msg_1', authorization: 'Bearer x' };
    const scheme = unsigned();
    expect(scheme.verify({ source: 's', body: new Uint8Array(), headers, receivedAt: new Date() })).toEqual({
      ok: true,
    });
    expect(scheme).toMatchObject({ description: 'NONE (unsigned)', isOpenToAnyone: true, headersKept: [] });
    expect(scheme.signedId(headers)).toBe('');
  });
});
