import { describe, expect, it } from '@jest/globals';
import { overridePayload } from './payload-override.js';

describe('overridePayload', () => {
  const payload = { id: 1, data: { runId: '1', list: [{ a: 1 }], gone: { deep: true } }, nothing: null };

  it.each([
    ['nothing', {}, payload],
    ['a field at any depth', { data: { runId: '2' } }, { ...payload, data: { ...payload.data, runId: '2' } }],
    ['a list as a whole', { data: { list: [] } }, { ...payload, data: { ...payload.data, list: [] } }],
    ['an object by something else', { data: null }, { ...payload, data: null }],
    ['something else by an object', { nothing: { a: 1 } }, { ...payload, nothing: { a: 1 } }],
    ['new fields', { extra: { a: 1 } }, { ...payload, extra: { a: 1 } }],
  ])('changes %s', (_what, override, expected) => {
    expect(overridePayload(payload, override)).toEqual(expected);
  });

  it('removes a field that is undefined, also one that was not there', () => {
    const changed = overridePayload(payload, { id: undefined, data: { gone: undefined, never: undefined } });
    expect(Object.keys(changed)).toEqual(['data', 'nothing']);
    expect(Object.keys(changed['data'] as object)).toEqual(['runId', 'list']);
  });

  it('keeps the order of the fields and leaves what it was given alone', () => {
    const before = JSON.stringify(payload);
    expect(Object.keys(overridePayload(payload, { nothing: 1, data: 2 }))).toEqual(['id', 'data', 'nothing']);
    expect(JSON.stringify(payload)).toBe(before);
  });

  it('takes __proto__ for a field like any other', () => {
    const hostile = JSON.parse('{"__proto__":{"polluted":true}}') as Record<string, unknown>;
    const changed = overridePayload({ a: 1 }, hostile);
    expect(Object.keys(changed)).toEqual(['a', '__proto__']);
    expect((changed as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
