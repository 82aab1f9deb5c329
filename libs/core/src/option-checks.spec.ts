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
    ['dbt', { maxAge: 1 }, 'dbt.maxAge: unknown option (did you mean "maxAgeMs"?). Valid options: maxAgeMs, name'],
    ['', { nam: 1 }, 'nam: unknown option (did you mean "name"?). Valid options: maxAgeMs, name'],
    ['dbt', { nam: undefined }, 'dbt.nam: unknown option (did you mean "name"?). Valid options: maxAgeMs, name'],
    ['dbt', { warehouse: 1 }, 'dbt.warehouse: unknown option. Valid options: maxAgeMs, name'],
    ['dbt', { toString: 1 }, 'dbt.toString: unknown option. Valid options: maxAgeMs, name'],
    ['dbt', 5, 'dbt: expected an object with any of maxAgeMs, name, got a number'],
    ['dbt', ['name'], 'dbt: expected an object with any of maxAgeMs, name, got an array'],
    ['dbt', null, 'dbt: expected an object with any of maxAgeMs, name, got null'],
  ])('rejects with path "%s" %j', (path, given, message) => {
    expect(() => requireKnownOptions(path, given, KNOWN)).toThrow(message);
  });
});
