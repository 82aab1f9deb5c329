import { describe, expect, it } from '@jest/globals';
import type { Run } from 'nestjs-runhooks/core';
import type { DbtCloudApiRun } from '../api/api-objects.js';
import { isIsolated } from './is-isolated.js';

const TOLD: Run = {
  id: '7',
  status: 'succeeded',
  job: { key: '10' },
  account: { id: '4' },
  trigger: { kind: 'schedule' },
};
const FOUND: DbtCloudApiRun = {
  id: '7',
  accountId: '4',
  isComplete: true,
  artifactsSaved: true,
  canRetry: false,
  jobType: 'scheduled',
  trigger: { category: 'scheduled', gitBranch: 'main' },
  raw: {},
};

describe('isIsolated', () => {
  it.each<[string, Partial<DbtCloudApiRun>, Partial<Run>]>([
    ['job type ci', { jobType: 'ci' }, {}],
    ['category ci', { trigger: { category: 'ci' } }, {}],
    ['pull request', { trigger: { category: 'api', pullRequestId: '12' } }, {}],
    ['schema override', { trigger: { schemaOverride: 'scratch' } }, {}],
    ['target override', { trigger: { targetOverride: 'dev' } }, {}],
    ['target override of a merge job', { jobType: 'merge', trigger: { targetOverride: 'dev' } }, {}],
    ['pull request in the message', {}, { commit: { pullRequest: '12' } }],
    ['ci in the message', {}, { trigger: { kind: 'ci' } }],
  ])('is true for a %s', (_, found, told) => {
    expect(isIsolated({ ...TOLD, ...told }, { ...FOUND, ...found })).toBe(true);
  });

  it.each<[string, Partial<DbtCloudApiRun>]>([
    ['scheduled run', {}],
    ['run of another branch', { trigger: { gitBranch: 'fix', category: 'api' } }],
    ['retry', { retryOf: '6', trigger: { category: 'rerun' } }],
    ['merge job with a pull request', { jobType: 'merge', trigger: { category: 'merge', pullRequestId: '12' } }],
  ])('is false for a %s', (_, found) => {
    expect(isIsolated(TOLD, { ...FOUND, ...found })).toBe(false);
  });
});
