import { describe, expect, it } from '@jest/globals';
import { fromPostgresText, toPostgresJson, toPostgresText } from './postgres-text.js';
import { toParameter } from './postgres-values.js';

const TEXTS = ['plain', '', 'a NUL \0', 'lone \ud800 and \udfff', 'a duck 🦆', 'the sign ␛', 'no escape ␛0000', '"\\'];

describe('toPostgresText', () => {
  it.each(TEXTS)('returns a string that Postgres accepts and that converts back to %j', (text) => {
    const kept = toPostgresText(text);
    expect(kept).not.toMatch(/[\0\p{Surrogate}]/u);
    expect(fromPostgresText(kept)).toBe(text);
  });

  it('is applied to strings in JSON, also if the JSON is a parameter of a statement', () => {
    const json = toParameter(toPostgresJson(TEXTS)) as string;
    expect(JSON.parse(json)).toEqual(TEXTS.map(toPostgresText));
  });
});
