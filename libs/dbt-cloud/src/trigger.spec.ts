import { describe, expect, it } from '@jest/globals';
import type { RunTrigger } from 'nestjs-runhooks/core';
import { triggerOf } from './trigger.js';

const TABLE: readonly (readonly [reason: string, kind: RunTrigger['kind']])[] = [
  ['Kicked off from UI by test@test.com', 'manual'],
  ['Kicked off from the UI by test@test.com', 'manual'],
  ['Kicked off from UI by ci-api-scheduler@example.com', 'manual'],
  ['Kicked off by the scheduler', 'schedule'],
  ['Scheduled', 'schedule'],
  ['scheduled', 'schedule'],
  ['job_scheduled', 'schedule'],
  ['Kicked off from API by scheduler@example.com', 'api'],
  ['Triggered via API', 'api'],
  ['runhooks:0123456789abcdef the orders are late', 'api'],
  ['runhooks:0123456789abcdef', 'api'],
  ['runhooks:0123456789abcdef Kicked off by the scheduler', 'api'],
  ['Triggered by pull request #12', 'ci'],
  ['Kicked off by GitHub PR #12', 'ci'],
  ['Triggered by CI', 'ci'],
  ['Scheduled by Airflow', 'unknown'],
  ['Circle back', 'unknown'],
  ['runhooks:0123456789abcdef0 is longer', 'unknown'],
  ['Started by runhooks:0123456789abcdef', 'unknown'],
  ['Kicked off by Uli', 'unknown'],
];

describe('triggerOf', () => {
  it.each(TABLE)('maps %j to %s and keeps the text', (reason, kind) => {
    expect(triggerOf(reason)).toEqual({ kind, reason });
  });

  it('has no reason if dbt sends none', () => {
    expect(triggerOf(undefined)).toEqual({ kind: 'unknown' });
  });
});
