import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { LIMITS, restoreMessage, type Reading } from 'nestjs-runhooks/core';
import { paradime } from './source.js';

const provider = paradime({ name: 'paradime', scheme: 'unsigned-insecure' }).open();
const RECEIVED = new Date('2023-10-15T16:45:00Z');

function fixture(name: string): string {
  return readFileSync(new URL(`../../../test/fixtures/paradime/${name}.json`, import.meta.url), 'utf8');
}

function read(body: string | Uint8Array | object): Reading {
  const text = typeof body === 'object' && !(body instanceof Uint8Array) ? JSON.stringify(body) : body;
  const stored = { id: 'msg_1', source: 'paradime', provider: 'paradime', messageKey: '', state: 'stored' } as const;
  return provider.read(restoreMessage({ ...stored, headers: {}, body: Buffer.from(text), receivedAt: RECEIVED }));
}

function changed(fields: object): object {
  return { ...(JSON.parse(fixture('run-completed-failed')) as object), ...fields };
}

describe('the documented started run', () => {
  const reading = read(fixture('run-started'));

  it('reads as a started run, although its status is "failed"', () => {
    expect(reading).toEqual({
      state: 'read',
      messageType: 'bolt.run.started',
      payload: expect.anything(),
      signal: {
        types: ['run.started'],
        occurredAt: new Date('2023-10-15T16:44:01.476Z'),
        run: {
          id: '1234',
          url: 'https://app.paradime.io/bolt/run_id/1234',
          status: 'running',
          providerStatus: 'failed',
          job: { key: 'n0sg8br1m44k0ryj/daily_run', name: 'daily_run' },
          account: { id: 'n0sg8br1m44k0ryj', name: 'demo-jaffle' },
          project: { id: 'n0sg8br1m44k0ryj', name: 'demo-jaffle' },
          environment: { name: 'production' },
          trigger: { kind: 'schedule', reason: 'Scheduler' },
          startedAt: new Date('2023-10-15T16:44:01.476Z'),
        },
      },
    });
  });
});

describe('the documented completed run', () => {
  const reading = read(fixture('run-completed-failed'));

  it('reads as a failed and completed run, with its four commands', () => {
    expect(reading).toEqual({
      state: 'read',
      messageType: 'bolt.run.completed',
      payload: expect.anything(),
      signal: {
        types: ['run.failed', 'run.completed'],
        occurredAt: new Date('2023-10-15T16:44:39.891Z'),
        run: {
          id: '63187',
          url: 'https://app.demo.paradime.io/bolt/run_id/63187',
          status: 'failed',
          providerStatus: 'failed',
          job: { key: 'n0sg8br1m44k0ryj/daily_run', name: 'daily_run' },
          account: { id: 'n0sg8br1m44k0ryj', name: 'demo-jaffle' },
          project: { id: 'n0sg8br1m44k0ryj', name: 'demo-jaffle' },
          environment: { name: 'production' },
          trigger: { kind: 'manual', reason: 'Manual' },
          startedAt: new Date('2023-10-15T16:44:01.476Z'),
          finishedAt: new Date('2023-10-15T16:44:39.891Z'),
          durationMs: 38_415,
          commands: [
            {
              id: '193439',
              command: 'git clone ...',
              status: 'succeeded',
              providerStatus: 'succeeded',
              returnCode: 0,
              startedAt: new Date('2023-10-15T16:44:14.576Z'),
              finishedAt: new Date('2023-10-15T16:44:16.986Z'),
              resources: [],
            },
            {
              id: '193440',
              command: 'dbt deps',
              status: 'succeeded',
              providerStatus: 'succeeded',
              returnCode: 0,
              startedAt: new Date('2023-10-15T16:44:17.109Z'),
              finishedAt: new Date('2023-10-15T16:44:19.831Z'),
              resources: [],
            },
            {
              id: '193441',
              command: 'dbt seed',
              status: 'succeeded',
              providerStatus: 'succeeded',
              returnCode: 0,
              startedAt: new Date('2023-10-15T16:44:19.886Z'),
              finishedAt: new Date('2023-10-15T16:44:29.552Z'),
              resources: [
                { id: '1205731', path: 'target/manifest.json' },
                { id: '1205739', path: 'target/run_results.json' },
              ],
            },
            {
              id: '193442',
              command: 'dbt run',
              status: 'failed',
              providerStatus: 'failed',
              returnCode: 1,
              startedAt: new Date('2023-10-15T16:44:29.586Z'),
              finishedAt: new Date('2023-10-15T16:44:37.422Z'),
              resources: [
                { id: '1205743', path: 'target/manifest.json' },
                { id: '1205761', path: 'target/run_results.json' },
              ],
            },
          ],
        },
      },
    });
  });
});

describe('a payload', () => {
  it.each(['run-started', 'run-completed-failed'])('is kept as sent, except that ids are texts: %s', (name) => {
    const reading = read(fixture(name));
    const idsAsTexts = fixture(name).replaceAll(/"id": (\d+)/g, '"id": "$1"');
    expect(JSON.parse(JSON.stringify('payload' in reading && reading.payload))).toEqual(JSON.parse(idsAsTexts));
  });

  it('keeps fields it does not know, at every level', () => {
    const news = { timezone: 'UTC', nested: [{ deep: { text: 'x' } }], none: null };
    const sent = {
      ...news,
      id: '1',
      workspace: { uid: 'w', ...news },
      environment: { pull_request: 7, ...news },
      schedule: { slack_notify: 'one-channel', sla_minutes: 5, ...news },
      commands: [{ id: '2', ...news, json_resources: [{ id: '3', ...news }] }],
      end_dttm: '2023-10-15 16:44:39',
    };
    expect(read(sent)).toMatchObject({ state: 'read', payload: sent });
  });

  it('is also there where the shape is unclear, and the message is then unknown', () => {
    expect(read(changed({ end_dttm: null }))).toMatchObject({
      state: 'unknown',
      reason: expect.stringContaining('has commands, but no end_dttm'),
      messageType: 'unknown',
      payload: { id: '63187' },
    });
    expect(read(changed({ status: 'running' }))).toMatchObject({
      state: 'unknown',
      reason: expect.stringContaining('has an end_dttm'),
    });
  });
});

describe('what documentation leaves open', () => {
  it.each<[string, object]>([
    ['ids as texts', { id: '63187' }],
    ['a schedule that notifies one channel', { schedule: { slack_notify: 'data-alerts', email_on: [''] } }],
    [
      'a schedule that defers and syncs',
      { schedule: { deferred_schedule: { enabled: true }, hightouch: { slugs: [] } } },
    ],
    ['a schedule whose commands are objects', { schedule: { commands: [{ command: 'dbt run' }] } }],
    ['no schedule', { schedule: null, schedule_name: null }],
    ['no environment', { environment: null }],
    ['no texts', { uuid: null, run_url: null, api_url: null, status: null, start_dttm: null }],
    ['no commands', { commands: [] }],
    [
      'as many commands as are allowed',
      { commands: Array.from({ length: LIMITS.arrayItemsMax }, (_, id) => ({ id })) },
    ],
    ['a return code as text', { commands: [{ id: 1, return_code: '1' }] }],
  ])('is read: %s', (_what, fields) => {
    expect(read(changed(fields)).state).toBe('read');
  });

  it.each([
    ['2023-10-15 16:44:39', '2023-10-15T16:44:39.000Z'],
    ['2023-10-15 16:44:39.8', '2023-10-15T16:44:39.800Z'],
    ['2023-10-15 16:44:39.891890', '2023-10-15T16:44:39.891Z'],
    ['2023-10-15 16:44:39.891890123', '2023-10-15T16:44:39.891Z'],
    ['2023-10-15T16:44:39.891890Z', '2023-10-15T16:44:39.891Z'],
    ['2023-10-15 18:44:39.891890+02:00', '2023-10-15T16:44:39.891Z'],
  ])('is read: the time %s', (end_dttm, time) => {
    expect(read(changed({ end_dttm }))).toMatchObject({ signal: { occurredAt: new Date(time) } });
  });
});

describe('a body that is no Paradime message', () => {
  const bytes = Buffer.from(fixture('run-completed-failed'));
  const command = { id: 1, command: 'dbt run' };

  it.each<[string, string | Uint8Array | object, string]>([
    ['nothing', '', 'The body is empty'],
    ['whitespace', ' \n', 'The body is empty'],
    ['half a body', bytes.subarray(0, bytes.length / 2), 'The body is not JSON'],
    ['two bodies', `${fixture('run-started')}{}`, 'The body is not JSON'],
    ['UTF-16', Buffer.from(fixture('run-started'), 'utf16le'), 'The body is not JSON'],
    [
      'no UTF-8',
      Buffer.concat([bytes.subarray(0, 20), Buffer.from([0xff]), bytes.subarray(20)]),
      'The body is not UTF-8',
    ],
    ['a form', 'payload=%7B%7D', 'The body is not JSON'],
    ['null', 'null', 'the payload: expected an object, found null'],
    ['a text', '"failed"', 'the payload: expected an object, found a text'],
    ['a number', '7', 'the payload: expected an object, found a whole number'],
    ['a list', [changed({})], 'the payload: expected an object, found an array of 1'],
    ['an empty object', {}, 'id: expected an id'],
    ['an id beyond 2^53', '{"id":9007199254740993,"workspace":{"uid":"w"}}', 'The number at id'],
    ['an id with a fraction', changed({ id: 1.5 }), 'id: expected an id'],
    ['an id with NUL', changed({ id: '1\0' }), 'id: expected an id'],
    ['an endless id', changed({ id: '1'.repeat(LIMITS.idCharsMax + 1) }), 'id: expected an id'],
    ['no id', changed({ id: undefined }), 'id: expected an id'],
    ['a list for an id', changed({ id: [63187] }), 'id: expected an id'],
    ['no workspace', changed({ workspace: undefined }), 'workspace: expected an object, found nothing'],
    ['a text for a workspace', changed({ workspace: 'w' }), 'workspace: expected an object, found a text'],
    ['a list for a workspace', changed({ workspace: [] }), 'workspace: expected an object, found an array of 0'],
    ['no uid', changed({ workspace: { name: 'w' } }), 'workspace.uid: expected an id'],
    ['a uid with a lone surrogate', changed({ workspace: { uid: '\ud800' } }), 'workspace.uid: expected an id'],
    ['a label with NUL', changed({ schedule_name: 'daily\0' }), 'schedule_name: expected a label'],
    ['a label with a lone surrogate', changed({ schedule_name: '\udfff' }), 'schedule_name: expected a label'],
    [
      'an endless label',
      changed({ schedule_name: 'x'.repeat(LIMITS.idCharsMax + 1) }),
      'schedule_name: expected a label',
    ],
    ['a number for a label', changed({ schedule_name: 5 }), 'schedule_name: expected'],
    ['a number for a slug', changed({ schedule: { slug: 5 } }), 'schedule.slug: expected'],
    ['a number for a status', changed({ status: 10 }), 'status: expected a text, found a whole number'],
    ['an object for an error', changed({ error_string: {} }), 'error_string: expected a text, found an object'],
    ['a list for an environment', changed({ environment: [] }), 'environment: expected an object, found an array of 0'],
    ['a number for a time', changed({ end_dttm: 1697388279 }), 'end_dttm: expected a time'],
    ['30 February', changed({ end_dttm: '2023-02-30 00:00:00' }), 'end_dttm: expected a time'],
    ['the year 1', changed({ end_dttm: '0001-01-01 00:00:00' }), 'end_dttm: expected a time'],
    ['the year 9999', changed({ start_dttm: '9999-12-31 23:59:59' }), 'start_dttm: expected a time'],
    ['a text for commands', changed({ commands: 'dbt run' }), 'commands: expected a list'],
    ['an object for commands', changed({ commands: { 0: command } }), 'commands: expected a list'],
    ['commands that are texts', changed({ commands: ['dbt run'] }), 'commands[0]: expected an object'],
    ['a command without an id', changed({ commands: [command, {}] }), 'commands[1].id: expected an id'],
    [
      'a return code with a fraction',
      changed({ commands: [{ id: 1, return_code: 0.5 }] }),
      'commands[0].return_code: expected',
    ],
    [
      'resources that are texts',
      changed({ commands: [{ id: 1, json_resources: ['x'] }] }),
      'commands[0].json_resources[0]: expected',
    ],
    [
      'more commands than are allowed',
      changed({ commands: Array.from({ length: LIMITS.arrayItemsMax + 1 }, () => command) }),
      'commands: expected a list of at most 5000 objects, found an array of 5001',
    ],
    ['nesting without end', `${'['.repeat(100_000)}`, 'The body is nested deeper'],
  ])('is quarantined, with what was found and expected: %s', (_what, body, reason) => {
    expect(read(body)).toEqual({ state: 'quarantined', reason: expect.stringContaining(reason) });
  });
});
