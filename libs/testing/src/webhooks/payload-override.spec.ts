import { describe, expect, it } from '@jest/globals';
import { overridePayload } from './payload-override.js';

describe('overridePayload', () => {
  const payload = { id: 1, data: { runId: '1', list: [{ a: 1 }], removed: { deep: true } }, nothing: null };

  it.each([
    ['nothing', {}, payload],
    ['a field at any depth', { data: { runId: '2' } }, { ...payload, data: { ...payload.data, runId: '2' } }],
    ['an array as a whole', { data: { list: [] } }, { ...payload, data: { ...payload.data, list: [] } }],
    ['an object to another value', { data: null }, { ...payload, data: null }],
    ['another value to an object', { nothing: { a: 1 } }, { ...payload, nothing: { a: 1 } }],
    ['new fields', { extra: { a: 1 } }, { ...payload, extra: { a: 1 } }],
  ])('changes %s', (_what, override, expected) => {
    expect(overridePayload(payload, override)).toEqual(expected);
  });

  it('removes a field that is undefined, even if the payload has no such field', () => {
    const changed = overridePayload(payload, { id: undefined, data: { removed: undefined, never: undefined } });
    expect(Object.keys(changed)).toEqual(['data', 'nothing']);
    expect(Object.keys(changed['data'] as object)).toEqual(['runId', 'list']);
  });

  it('keeps the order of the fields and does not change its arguments', () => {
    const before = JSON.stringify(payload);
    expect(Object.keys(overridePayload(payload, { nothing: 1, data: 2 }))).toEqual(['id', 'data', 'nothing']);
    expect(JSON.stringify(payload)).toBe(before);
  });

  it('treats __proto__ as an ordinary field', () => {
    const hostile = JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>;
    const changed = overridePayload({ a: 1 }, hostile);
    expect(Object.keys(changed)).toEqual(['a', '__proto__']);
    expect((changed as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
