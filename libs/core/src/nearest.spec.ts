import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { nearest } from './nearest.js';

describe('nearest', () => {
  it.each([
    ['dbt-clodu', ['dbt-cloud', 'paradime'], 'dbt-cloud'],
    ['dbt', ['dbt-cloud', 'paradime'], 'dbt-cloud'],
    ['Paradime', ['dbt-cloud', 'paradime'], 'paradime'],
    ['dbt-eu', ['dbt-us', 'dbt-eu-west', 'paradime'], 'dbt-us'],
    ['scheduled', ['schedule', 'manual'], 'schedule'],
    ['airflow', ['dbt', 'paradime'], undefined],
    ['', ['dbt'], 'dbt'],
    ['dbt', [], undefined],
  ])('%s of %j: %s', (typed, names, expected) => {
    expect(nearest(typed, names)).toBe(expected);
  });

  it('returns the name itself if it exists, otherwise one of the names', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (typed, names) => {
        expect(nearest(typed, [...names, typed])?.toLowerCase()).toBe(typed.toLowerCase());
        expect([...names, undefined]).toContain(nearest(typed, names));
      }),
    );
  });
});
