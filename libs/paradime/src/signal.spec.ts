import { describe, expect, it } from '@jest/globals';
import { validatePayload, type Run, type RunCommand, type RunSignal } from 'nestjs-runhooks/core';
import { ParadimePayload } from './payload.js';
import { completedSignal, startedSignal } from './signal.js';

const RECEIVED = new Date('2023-10-15T16:45:00Z');
const BARE = { id: 7, workspace: { uid: 'w1' }, end_dttm: '2023-10-15 16:44:39' };

function payloadOf(fields: object): ParadimePayload {
  const check = validatePayload(ParadimePayload, { ...BARE, ...fields });
  if (!check.ok) throw new Error(check.reason);
  return check.payload;
}

function completed(fields: object): RunSignal {
  return completedSignal(payloadOf(fields), RECEIVED);
}

function commandOf(fields: object): RunCommand | undefined {
  return completed({ commands: [{ id: 1, ...fields }] }).run.commands?.[0];
}

describe('a completed run', () => {
  it('has no more fields than a minimal message', () => {
    expect(completed({})).toEqual({
      types: ['run.completed'],
      occurredAt: new Date('2023-10-15T16:44:39Z'),
      run: {
        id: '7',
        status: 'unknown',
        job: { key: 'w1//7' },
        account: { id: 'w1' },
        project: { id: 'w1' },
        trigger: { kind: 'unknown' },
        finishedAt: new Date('2023-10-15T16:44:39Z'),
      },
    });
  });

  it('omits every optional field that is blank', () => {
    const blank = {
      uuid: '',
      schedule_name: '',
      schedule: { name: '', slug: ' ', display_name: null, environment: '' },
      environment: { actor: '', email: null, branch: '', commit_hash: null },
      status: '',
      error_string: ' ',
      start_dttm: '',
      run_url: '',
      api_url: '',
      commands: null,
    };
    expect(completed({ ...blank, workspace: { uid: 'w1', name: '' } })).toEqual(completed({}));
    expect(completed({ schedule: null, environment: null })).toEqual(completed({}));
  });

  it.each([
    ['succeeded', ['run.succeeded', 'run.completed']],
    ['SUCCESS', ['run.succeeded', 'run.completed']],
    ['failed', ['run.failed', 'run.completed']],
    ['ERROR', ['run.failed', 'run.completed']],
    ['CANCELED', ['run.canceled', 'run.completed']],
    ['cancelled', ['run.canceled', 'run.completed']],
    ['skipped', ['run.completed']],
    ['brand-new', ['run.completed']],
    [null, ['run.completed']],
  ])('reports, with the status %j, %j', (status, types) => {
    expect(completed({ status }).types).toEqual(types);
  });

  it("keeps the provider's status", () => {
    const { run } = completed({ status: 'ERROR', error_string: 'Warehouse is gone' });
    expect(run).toMatchObject({ status: 'failed', providerStatus: 'ERROR', statusMessage: 'Warehouse is gone' });
  });

  it('has no duration if the clocks disagree', () => {
    expect(completed({ start_dttm: '2023-10-15 16:44:40' }).run).not.toHaveProperty('durationMs');
  });
});

describe('a started run', () => {
  it.each(['failed', 'SUCCESS', 'canceled', 'brand-new', null])('is running with the status %j', (status) => {
    const signal = startedSignal(payloadOf({ status, end_dttm: null }), RECEIVED);
    expect(signal.types).toEqual(['run.started']);
    expect(signal.run.status).toBe('running');
  });

  it('uses the time of receipt if it has no start', () => {
    expect(startedSignal(payloadOf({ end_dttm: null }), RECEIVED).occurredAt).toEqual(RECEIVED);
  });
});

describe('the job of a run', () => {
  it.each<[string, object, Run['job']]>([
    ['its schedule_name', { schedule_name: 'daily_run' }, { key: 'w1/daily_run', name: 'daily_run' }],
    [
      'the slug, where there is one, and the label',
      { schedule_name: 'Daily run', schedule: { slug: 'daily-1a2b3c', name: 'daily-1a2b3c' } },
      { key: 'w1/daily-1a2b3c', id: 'daily-1a2b3c', name: 'Daily run' },
    ],
    [
      'the slug and the display name, where schedule_name is the slug',
      { schedule_name: 'daily-1a2b3c', schedule: { slug: 'daily-1a2b3c', display_name: 'Daily run' } },
      { key: 'w1/daily-1a2b3c', id: 'daily-1a2b3c', name: 'Daily run' },
    ],
    [
      'the slug for both, if there is no other name',
      { schedule_name: 'daily-1a2b3c', schedule: { slug: 'daily-1a2b3c' } },
      { key: 'w1/daily-1a2b3c', id: 'daily-1a2b3c', name: 'daily-1a2b3c' },
    ],
    ['the name of the schedule, else', { schedule: { name: 'daily_run' } }, { key: 'w1/daily_run', name: 'daily_run' }],
    ['nothing: then the run is a job of its own', {}, { key: 'w1//7' }],
    ["nothing, in Python's words", { schedule_name: 'None', schedule: { slug: 'nan' } }, { key: 'w1//7' }],
    ['a number', { schedule_name: 2024 }, { key: 'w1/2024', name: '2024' }],
    [
      'the name of the schedule, where the slug is odd',
      { schedule_name: 'daily', schedule: { slug: {} } },
      { key: 'w1/daily', name: 'daily' },
    ],
    ['a label with control characters', { schedule_name: 'a\tb\0' }, { key: 'w1/a%09b%00', name: 'a\tb\0' }],
    ['a label with a lone surrogate', { schedule_name: 'a\ud800' }, { key: 'w1/a%EF%BF%BD', name: 'a\ud800' }],
    [
      'a label with odd characters',
      { schedule_name: 'Täglich / 6  Uhr 👩‍🔧' },
      {
        key: 'w1/T%C3%A4glich%20%2F%206%20%20Uhr%20%F0%9F%91%A9%E2%80%8D%F0%9F%94%A7',
        name: 'Täglich / 6  Uhr 👩‍🔧',
      },
    ],
  ])('is identified by %s', (_what, fields, job) => {
    expect(completed(fields).run.job).toEqual(job);
  });

  it('has a bounded, stable and unique key for long labels with the same beginning', () => {
    const keyOf = (end: string) => completed({ schedule_name: `${'é\ud83d\ude00'.repeat(2_000)}${end}` }).run.job.key;
    expect(keyOf('a')).toBe(keyOf('a'));
    expect(keyOf('a')).not.toBe(keyOf('b'));
    expect(keyOf('a')).toMatch(/^w1\/[\w%]+\/[0-9a-f]{64}$/);
    expect(keyOf('a').length).toBeLessThan(1_000);
  });

  it.each<[string, object, readonly string[] | undefined]>([
    [
      'the key of its label, where there is a slug, too',
      { schedule_name: 'Daily run', schedule: { slug: 'daily-1a2b3c' } },
      ['w1/Daily%20run'],
    ],
    [
      'the key of the label, where schedule_name is the slug',
      { schedule_name: 'daily-1a2b3c', schedule: { slug: 'daily-1a2b3c', display_name: 'Daily run' } },
      ['w1/Daily%20run'],
    ],
    ['no other key, where there is only the slug', { schedule: { slug: 'daily', name: 'daily' } }, undefined],
    ['no other key, where there is only the label', { schedule_name: 'daily' }, undefined],
    ['no other key without a schedule', {}, undefined],
  ])('has %s', (_what, fields, otherJobKeys) => {
    expect(completed(fields).otherJobKeys).toEqual(otherJobKeys);
    expect(startedSignal(payloadOf({ ...fields, end_dttm: null }), RECEIVED).otherJobKeys).toEqual(otherJobKeys);
    const labelOnly = completed({ schedule_name: 'Daily run' }).run.job.key;
    if (otherJobKeys) expect(otherJobKeys).toEqual([labelOnly]);
  });

  it('differs between workspaces', () => {
    const here = completed({ schedule_name: 'daily' }).run.job.key;
    const there = completed({ schedule_name: 'daily', workspace: { uid: 'w2' } }).run.job.key;
    expect(here).not.toBe(there);
  });
});

describe('the trigger of a run', () => {
  it.each([
    ['Scheduler', 'schedule'],
    ['scheduler', 'schedule'],
    ['Manual', 'manual'],
    ['API', 'api'],
    ['Turbo CI', 'ci'],
    ['turbo_ci', 'ci'],
    ['fabio@paradime.io', 'unknown'],
    ['Gremlin', 'unknown'],
  ])('maps the actor %j to %s and keeps the reason', (actor, kind) => {
    expect(completed({ environment: { actor } }).run.trigger).toEqual({ kind, reason: actor });
  });
});

describe('the url of a run', () => {
  it('is the https page that was sent', () => {
    const run_url = 'https://app.demo.paradime.io/bolt/run_id/63187';
    expect(completed({ run_url }).run.url).toBe(run_url);
  });

  it.each([
    'http://app.paradime.io/bolt/run_id/1',
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    '//app.paradime.io/bolt',
    '/bolt/run_id/1',
    'app.paradime.io/bolt',
    'https://',
    'https://user:password@app.paradime.io/',
    'not a url',
  ])('is absent if it is %j', (run_url) => {
    expect(completed({ run_url }).run).not.toHaveProperty('url');
  });

  it('is never the api_url', () => {
    const { run } = completed({ api_url: 'https://api.paradime.io/api/v1/abc/graphql' });
    expect(JSON.stringify(run)).not.toContain('graphql');
  });
});

describe('a command', () => {
  it('has no more fields than were sent', () => {
    expect(commandOf({})).toEqual({ id: '1', command: '', status: 'unknown', resources: [] });
    const blank = { command: '', status: '', return_code: null, start_dttm: '', end_dttm: null, json_resources: null };
    expect(commandOf(blank)).toEqual(commandOf({}));
  });

  it.each([
    [{ status: 'succeeded', return_code: 0 }, 'succeeded'],
    [{ status: 'SUCCESS', return_code: null }, 'succeeded'],
    [{ status: 'failed', return_code: 1 }, 'failed'],
    [{ status: 'succeeded', return_code: 1 }, 'succeeded'],
    [{ status: 'running', return_code: null }, 'running'],
    [{ status: 'brand-new', return_code: 1 }, 'unknown'],
    [{ return_code: 1 }, 'failed'],
    [{ status: '', return_code: -9 }, 'failed'],
    [{ return_code: 0 }, 'unknown'],
    [{ return_code: null }, 'unknown'],
  ])('maps %j to %s', (fields, status) => {
    expect(commandOf(fields)?.status).toBe(status);
  });

  it('lists its resources with ids as strings', () => {
    const json_resources = [
      { id: 1205731, path: 'target/manifest.json' },
      { id: '9', path: null },
    ];
    expect(commandOf({ json_resources })?.resources).toEqual([
      { id: '1205731', path: 'target/manifest.json' },
      { id: '9', path: '' },
    ]);
  });

  it('keeps the order of commands', () => {
    const commands = [3, 1, 2].map((id) => ({ id }));
    expect(completed({ commands }).run.commands?.map(({ id }) => id)).toEqual(['3', '1', '2']);
  });
});
