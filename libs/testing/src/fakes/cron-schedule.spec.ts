import { describe, expect, it } from '@jest/globals';
import { CronSchedule } from './cron-schedule.js';

describe('CronSchedule', () => {
  it.each([
    ['0 3 * * *', '2026-11-30T03:00:00Z', '2026-12-01T03:00:00.000Z'],
    ['0 3 * * *', '2026-11-30T02:59:59.999Z', '2026-11-30T03:00:00.000Z'],
    ['*/15 * * * *', '2026-11-30T23:50:00Z', '2026-12-01T00:00:00.000Z'],
    ['5,35 8-10 * * *', '2026-11-30T08:05:00Z', '2026-11-30T08:35:00.000Z'],
    ['10/20 0 * * *', '2026-11-30T00:11:00Z', '2026-11-30T00:30:00.000Z'],
    ['0 0 * * 1-5', '2026-11-27T01:00:00Z', '2026-11-30T00:00:00.000Z'],
    ['0 0 * * 7', '2026-11-30T00:00:00Z', '2026-12-06T00:00:00.000Z'],
    ['0 0 13 * 5', '2026-11-30T00:00:00Z', '2026-12-04T00:00:00.000Z'],
    ['0 0 29 2 *', '2026-11-30T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['0 0 30 2 *', '2026-11-30T00:00:00Z', undefined],
    ['@daily', '2026-11-30T12:00:00Z', '2026-12-01T00:00:00.000Z'],
  ])('finds the time of %s after %s', (cron, after, next) => {
    expect(new CronSchedule('schedule', cron).next(new Date(after))?.toISOString()).toBe(next);
  });

  it.each([
    '',
    '* * * *',
    '* * * * * *',
    '60 * * * *',
    '0 0 0 * *',
    '5-1 * * * *',
    '*/0 * * * *',
    'a * * * *',
    '@yearly!',
  ])('rejects %j', (cron) => {
    expect(() => new CronSchedule('job({ schedule })', cron)).toThrow('job({ schedule }): expected a cron expression');
  });
});
