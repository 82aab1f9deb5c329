import { describe, expect, it } from '@jest/globals';
import type { Run } from '../runs/run.js';
import { placeOf, scopeObject, scopeOf } from './node-scope.js';

const run: Run = {
  id: '7',
  status: 'failed',
  job: { key: 'job:1', id: '1', name: 'Nightly' },
  account: { id: '4', name: 'Shop' },
  project: { id: '5', name: 'Analytics' },
  environment: { id: '6', name: 'Production' },
  trigger: { kind: 'schedule' },
};

/** The run without some of its members. */
function without(...names: (keyof Run)[]): Run {
  return Object.fromEntries(
    Object.entries(run).filter(([name]) => !names.includes(name as keyof Run)),
  ) as unknown as Run;
}

describe('scopeOf', () => {
  it('has the ids of account, project and environment, in sorted order', () => {
    expect(scopeOf(run)).toBe('{"accountId":"4","environment":"6","project":"5"}');
  });

  it('uses names where there are no ids', () => {
    const named = { ...run, project: { name: 'Analytics' }, environment: { name: 'Production' } };
    expect(scopeObject(scopeOf(named))).toEqual({ accountId: '4', environment: 'Production', project: 'Analytics' });
  });

  it('uses the environment that the job has run in before if the run has none', () => {
    const scope = scopeOf(without('environment'), { environment: { id: '6' } });
    expect(scope).toBe(scopeOf(run));
    expect(scopeOf(run, { environment: { id: '9' } })).toBe(scopeOf(run));
  });

  it('uses the job if no environment is known', () => {
    expect(scopeObject(scopeOf(without('environment', 'project')))).toEqual({ accountId: '4', jobKey: 'job:1' });
  });

  it('has the target if it is known', () => {
    expect(scopeObject(scopeOf(run, { target: 'prod' }))).toEqual({
      accountId: '4',
      environment: '6',
      project: '5',
      target: 'prod',
    });
  });
});

describe('placeOf', () => {
  it('is the same for all targets', () => {
    expect(placeOf(scopeOf(run, { target: 'prod' }))).toBe(scopeOf(run));
    expect(placeOf(scopeOf(run))).toBe(scopeOf(run));
  });
});
