import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { matchesFilter, valuesOf, type EventFilter, type Filterable } from './filter.js';
import type { Reference, Run } from '../runs/run.js';

const RUN: Run = {
  id: '7',
  status: 'failed',
  job: { key: '1/512049', id: '512049', name: 'nightly-build' },
  account: { id: '43786', name: 'Acme' },
  project: { id: '301284', name: 'analytics' },
  environment: { name: 'Production' },
  trigger: { kind: 'schedule' },
};
const EVENT: Filterable = { provider: 'dbt-cloud', source: 'dbt', run: RUN };
const MESSAGE: Filterable = { provider: 'dbt-cloud', source: 'dbt' };

/** A filter as a program without types can write it. */
const filter = (fields: object) => fields as EventFilter;

describe('matchesFilter', () => {
  it.each([
    ['nothing asked', {}],
    ['the provider', { provider: 'dbt-cloud' }],
    ['one of the providers', { provider: ['paradime', 'dbt-cloud'] }],
    ['the source', { source: 'dbt' }],
    ['an account by id', { account: '43786' }],
    ['an account by name', { account: 'Acme' }],
    ['a project by pattern', { project: 'ana*' }],
    ['an environment that has no id', { environment: 'Production' }],
    ['a job by id', { job: '512049' }],
    ['a job by name', { job: 'nightly-build' }],
    ['a job by pattern over its name', { job: 'nightly-*' }],
    ['a job by pattern over its id', { job: '5120*' }],
    ['anything that has a job', { job: '*' }],
    ['what started it', { trigger: 'schedule' }],
    ['one of what may have started it', { trigger: ['api', 'schedule'] }],
    ['all fields at once', { provider: 'dbt-cloud', source: 'dbt', project: 'analytics', job: ['x', 'nightly-*'] }],
  ])('fits: %s', (_, fields) => {
    expect(matchesFilter(filter(fields), EVENT)).toBe(true);
  });

  it.each([
    ['another provider', { provider: 'paradime' }],
    ['a pattern for the provider, which is none', { provider: 'dbt-*' }],
    ['a pattern for the source, which is none', { source: '*' }],
    ['another case', { project: 'Analytics' }],
    ['a part of the name', { job: 'nightly' }],
    ['a regular expression', { job: 'nightly.+' }],
    ['a question mark', { job: 'nightly-buil?' }],
    ["the job's key, which is neither id nor name", { job: '1/512049' }],
    ['another trigger', { trigger: ['api', 'manual', 'ci', 'unknown'] }],
    ['a pattern for the trigger, which is none', { trigger: '*' }],
    ['an empty text', { job: '' }],
    ['surrounding space', { job: ' nightly-build ' }],
    ['one field that fits and one that does not', { project: 'analytics', job: 'hourly' }],
    ['a list that is empty', { job: [] }],
  ])('does not fit: %s', (_, fields) => {
    expect(matchesFilter(filter(fields), EVENT)).toBe(false);
  });

  it.each(['account', 'project', 'environment', 'job', 'trigger'])(
    'fits no message without a run if %s is asked for',
    (field) => {
      expect(matchesFilter(filter({ [field]: '*' }), MESSAGE)).toBe(false);
      expect(matchesFilter(filter({ source: 'dbt' }), MESSAGE)).toBe(true);
    },
  );

  it('does not match a run without the filtered field', () => {
    const { project: _, environment: __, ...bare } = RUN;
    const event = { ...EVENT, run: { ...bare, job: { key: 'k' } } };
    for (const field of ['project', 'environment', 'job']) {
      expect(matchesFilter(filter({ [field]: '*' }), event)).toBe(false);
    }
  });
});

describe('the laws of filters', () => {
  const name = fc.constantFrom('a', 'b', 'ab', 'a*', '*', 'nightly', '');
  const list = fc.array(name, { maxLength: 3 });
  const reference = fc.record({ id: name, name }, { requiredKeys: [] }) as fc.Arbitrary<Reference>;
  const event = fc
    .record({ provider: name, source: name, account: reference, project: reference, job: reference })
    .map(({ provider, source, account, project, job }): Filterable => {
      const run = { ...RUN, account: { id: '', ...account }, project, job: { key: 'k', ...job } };
      return { provider, source, run };
    });
  const FIELDS = ['provider', 'source', 'account', 'project', 'environment', 'job'] as const;
  const fields = fc.record(
    Object.fromEntries(FIELDS.map((field) => [field, fc.oneof(name, list)])) as Record<string, fc.Arbitrary<unknown>>,
    { requiredKeys: [] },
  );

  it('matches only if every field matches', () => {
    fc.assert(
      fc.property(fields, event, (asked, one) => {
        const each = Object.entries(asked).map(([field, wanted]) => matchesFilter(filter({ [field]: wanted }), one));
        expect(matchesFilter(filter(asked), one)).toBe(each.every(Boolean));
      }),
    );
  });

  it('matches an array if one of its values matches', () => {
    fc.assert(
      fc.property(fc.constantFrom(...FIELDS), list, event, (field, wanted, one) => {
        const any = wanted.some((value) => matchesFilter(filter({ [field]: value }), one));
        expect(matchesFilter(filter({ [field]: wanted }), one)).toBe(any);
      }),
    );
  });
});

describe('valuesOf', () => {
  it.each([
    [undefined, []],
    ['a', ['a']],
    ['', ['']],
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [[], []],
  ])('of %j are %j', (wanted, values) => {
    expect(valuesOf(wanted)).toEqual(values);
  });
});
