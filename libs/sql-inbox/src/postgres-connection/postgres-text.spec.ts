import { describe, expect, it } from '@jest/globals';
import { fromPostgresText, toPostgresJson, toPostgresText } from './postgres-text.js';
import { toParameter } from './postgres-values.js';

const TEXTS = ['plain', '', 'a NUL \0', 'lone \ud800 and \udfff', 'a duck 🦆', 'the sign ␛', 'no escape ␛0000', '"\\'];

describe('a text for Postgres', () => {
  it.each(TEXTS)('comes back as it was, and holds nothing that Postgres refuses: %j', (text) => {
    const kept = toPostgresText(text);
    expect(kept).not.toMatch(/[\0\p{Surrogate}]/u);
    expect(fromPostgresText(kept)).toBe(text);
  });

  it('in JSON is the same as alone, also where the JSON is a value of a statement', () => {
    const json = toParameter(toPostgresJson(TEXTS)) as string;
    expect(JSON.parse(json)).toEqual(TEXTS.map(toPostgresText));
  });
});
