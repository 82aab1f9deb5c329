import { describe, expect, it } from '@jest/globals';
import { requireKnownOptions } from './option-checks.js';

const KNOWN = { maxAgeMs: true, name: true };

describe('requireKnownOptions', () => {
  it.each([{}, { name: 'dbt' }, { maxAgeMs: undefined }, Object.create({ inherited: 1 }) as object])(
    'accepts %j',
    (given) => {
      expect(() => requireKnownOptions('dbt', given, KNOWN)).not.toThrow();
    },
  );

  it.each<[path: string, given: unknown, message: string]>([
    [
      'dbt',
      { maxAge: 1 },
      'dbt.maxAge: there is no such option; expected one of maxAgeMs, name (did you mean "maxAgeMs"?)',
    ],
    ['', { nam: 1 }, 'nam: there is no such option; expected one of maxAgeMs, name (did you mean "name"?)'],
    [
      'dbt',
      { nam: undefined },
      'dbt.nam: there is no such option; expected one of maxAgeMs, name (did you mean "name"?)',
    ],
    ['dbt', { warehouse: 1 }, 'dbt.warehouse: there is no such option; expected one of maxAgeMs, name'],
    ['dbt', { toString: 1 }, 'dbt.toString: there is no such option; expected one of maxAgeMs, name'],
    ['dbt', 5, 'dbt: found a number; expected an object with any of maxAgeMs, name'],
    ['dbt', ['name'], 'dbt: found an array; expected an object with any of maxAgeMs, name'],
    ['dbt', null, 'dbt: found null; expected an object with any of maxAgeMs, name'],
  ])('refuses with path "%s" %j', (path, given, message) => {
    expect(() => requireKnownOptions(path, given, KNOWN)).toThrow(message);
  });
});
