import { describe, expect, it } from '@jest/globals';
import { workOf } from './dbt-step.js';

describe('workOf', () => {
  it.each([
    ['dbt build', 'nodes'],
    ['dbt test --select source:raw', 'nodes'],
    ['dbt --no-partial-parse run --full-refresh', 'nodes'],
    ['dbt --quiet build --exclude docs', 'nodes'],
    ['dbt --log-level debug build', 'nodes'],
    ['dbt --log-level=debug seed', 'nodes'],
    ['dbtf retry', 'nodes'],
    ['dbt run-operation grant_select --args "{role: docs}"', 'nodes'],
    ['dbt frobnicate', 'nodes'],
    ['dbt source freshness', 'freshness'],
    ['dbt source snapshot-freshness --select raw', 'freshness'],
    ['dbt docs generate', 'inspection'],
    ['dbt --quiet docs generate', 'inspection'],
    ['dbt compile --select orders', 'inspection'],
    ['dbt parse', 'inspection'],
    ['dbt ls', 'inspection'],
    ['dbt deps', 'setup'],
  ])('of %s is %s', (command, work) => {
    expect(workOf({ name: `Invoke dbt with \`${command}\`` })).toBe(work);
    expect(workOf({ name: command })).toBe(work);
  });

  it.each(['Clone git repository', 'Create profile from connection dbt build', ''])('of %j is setup', (name) => {
    expect(workOf({ name })).toBe('setup');
  });
});
