import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { ParseResult } from 'nestjs-runhooks/core';
import { LIMITS } from 'nestjs-runhooks/internal';
import { storedMessage } from '../../../test/providers/stored-message.js';
import { paradime } from './source.js';

const provider = paradime({ name: 'paradime', scheme: 'unsigned-insecure' }).open();
const RECEIVED = new Date('2023-10-15T16:45:00Z');

function fixture(name: string): string {
  return readFileSync(new URL(`../../../test/fixtures/paradime/${name}.json`, import.meta.url), 'utf8');
}

function parse(body: string | Uint8Array | object): ParseResult {
  const text = typeof body === 'object' && !(body instanceof Uint8Array) ? JSON.stringify(body) : body;
  return provider.parse(storedMessage(text, RECEIVED));
}

function changed(fields: object): object {
  return { ...(JSON.parse(fixture('run-completed-failed')) as object), ...fields };
}

describe('the documented started run', () => {
  const result = parse(fixture('run-started'));

  it('is parsed as a started run, although its status is "failed"', () => {
    expect(result).toEqual({
      state: 'parsed',
      messageType: 'bolt.run.started',
      payload: expect.anything(),
      notes: [],
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
  const result = parse(fixture('run-completed-failed'));

  it('is parsed as a failed and completed run with its four commands', () => {
    expect(result).toEqual({
      state: 'parsed',
      messageType: 'bolt.run.completed',
      payload: expect.anything(),
      notes: [],
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
          commit: { branch: 'main', sha: '54a134583ef6dccbe154e30e1cd09a9d94b6bda0' },
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
  it.each(['run-started', 'run-completed-failed'])('is kept as sent, with ids as strings: %s', (name) => {
    const result = parse(fixture(name));
    const idsAsTexts = fixture(name).replaceAll(/"id": (\d+)/g, '"id": "$1"');
    expect(JSON.parse(JSON.stringify('payload' in result && result.payload))).toEqual(JSON.parse(idsAsTexts));
  });

  it('keeps unknown fields at every level', () => {
    const added = { timezone: 'UTC', nested: [{ deep: { text: 'x' } }], none: null };
    const sent = {
      ...added,
      id: '1',
      workspace: { uid: 'w', ...added },
      environment: { pull_request: 7, ...added },
      schedule: { slack_notify: 'one-channel', sla_minutes: 5, ...added },
      commands: [{ id: '2', ...added, json_resources: [{ id: '3', ...added }] }],
      end_dttm: '2023-10-15 16:44:39',
    };
    expect(parse(sent)).toMatchObject({ state: 'parsed', payload: sent });
  });

  it('is kept with an unclear message, which is unrecognized', () => {
    expect(parse(changed({ end_dttm: null, status: 'brand-new' }))).toMatchObject({
      state: 'unrecognized',
      reason: expect.stringContaining('got commands, but no end_dttm'),
      messageType: 'unknown',
      payload: { id: '63187' },
    });
    expect(parse(changed({ status: 'running' }))).toMatchObject({
      state: 'unrecognized',
      reason: expect.stringContaining('got an end_dttm'),
    });
  });
});

describe('undocumented details', () => {
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
    ["Python's words for no texts", { error_string: 'None', status: 'None', start_dttm: 'NaT', uuid: ' None ' }],
    ['times without seconds', { start_dttm: '2023-10-15 16:44', end_dttm: '2023-10-15 16:45 UTC' }],
    ['labels with tabs and of any length', { schedule_name: 'a\tb', schedule: { slug: 'x'.repeat(5_000) } }],
    [
      'numbers for labels',
      { schedule_name: 2024, schedule: { slug: 5, environment: 1.5 }, workspace: { uid: 'w', name: 7 } },
    ],
    ['a command without an id', { commands: [{ id: null }, {}] }],
    ['no commands', { commands: [] }],
    [
      'as many commands as are allowed',
      { commands: Array.from({ length: LIMITS.arrayItemsMax }, (_, id) => ({ id })) },
    ],
    ['a return code as text', { commands: [{ id: 1, return_code: '1' }] }],
  ])('are parsed without a note: %s', (_what, fields) => {
    expect(parse(changed(fields))).toMatchObject({ state: 'parsed', notes: [] });
  });

  it.each([
    ['2023-10-15 16:44:39', '2023-10-15T16:44:39.000Z'],
    ['2023-10-15 16:44:39.8', '2023-10-15T16:44:39.800Z'],
    ['2023-10-15 16:44:39.891890', '2023-10-15T16:44:39.891Z'],
    ['2023-10-15 16:44:39.891890123', '2023-10-15T16:44:39.891Z'],
    ['2023-10-15T16:44:39.891890Z', '2023-10-15T16:44:39.891Z'],
    ['2023-10-15 18:44:39.891890+02:00', '2023-10-15T16:44:39.891Z'],
    ['2023-10-15 16:44:39.891890 UTC', '2023-10-15T16:44:39.891Z'],
    ['2023-10-15 16:44', '2023-10-15T16:44:00.000Z'],
  ])('include the time %s', (end_dttm, time) => {
    expect(parse(changed({ end_dttm }))).toMatchObject({ signal: { occurredAt: new Date(time) } });
  });
});

describe('an invalid field that decides nothing', () => {
  const sent = JSON.parse(fixture('run-completed-failed')) as { schedule: object; commands: object[] };
  const command = { id: 1, command: 'dbt run' };

  it.each<[string, object, string[]]>([
    ['a text for a schedule and an environment', { schedule: 'x', environment: 'y' }, ['schedule', 'environment']],
    ['a list for an environment', { environment: [] }, ['environment']],
    [
      'odd labels',
      { schedule_name: {}, schedule: { ...sent.schedule, slug: [1], display_name: true } },
      ['schedule_name', 'schedule.slug', 'schedule.display_name'],
    ],
    ['an object for an error', { error_string: {} }, ['error_string']],
    ['a number for a time', { end_dttm: 1697388279 }, ['end_dttm']],
    ['30 February', { end_dttm: '2023-02-30 00:00:00' }, ['end_dttm']],
    ['the year 1', { end_dttm: '0001-01-01 00:00:00' }, ['end_dttm']],
    ['1970', { start_dttm: '1970-01-01 00:00:00' }, ['start_dttm']],
    ['the year 9999', { start_dttm: '9999-12-31 23:59:59' }, ['start_dttm']],
    ['a text for commands', { commands: 'dbt run' }, ['commands']],
    ['an object for commands', { commands: { 0: command } }, ['commands']],
    ['commands that are texts', { commands: ['dbt run', command] }, ['commands[0]']],
    ['an odd id of a command', { commands: [command, { id: [7] }] }, ['commands[1].id']],
    ['a return code with a fraction', { commands: [{ id: 1, return_code: 0.5 }] }, ['commands[0].return_code']],
    [
      'a resource without an id',
      { commands: [{ id: 1, json_resources: [{ id: null, path: 'p' }, 'x', { id: 3 }] }] },
      ['commands[0].json_resources[0].id', 'commands[0].json_resources[1]'],
    ],
    [
      'more commands than are allowed',
      { commands: Array.from({ length: LIMITS.arrayItemsMax + 1 }, () => command) },
      ['commands'],
    ],
  ])('does not suppress the events of a failed run: %s', (_what, fields, paths) => {
    const result = parse(changed(fields));

    expect(result).toMatchObject({
      state: 'parsed',
      signal: { types: ['run.failed', 'run.completed'], run: { id: '63187' } },
    });
    expect(result.state === 'parsed' && result.notes?.map(({ path }) => path)).toEqual(paths);
  });

  it('is absent from the payload, while the rest of its object is kept', () => {
    const result = parse(
      changed({ commands: [{ id: null, status: 'failed', return_code: 1.5 }, 7], schedule: { slug: {}, x: 1 } }),
    );

    expect(result).toMatchObject({ payload: { commands: [{ id: null, status: 'failed' }], schedule: { x: 1 } } });
    expect(result).toHaveProperty('signal.run.commands', [
      { command: '', status: 'failed', providerStatus: 'failed', resources: [] },
    ]);
    expect(result).not.toHaveProperty('payload.commands.1');
    expect(result).not.toHaveProperty('payload.commands.0.return_code');
    expect(result).not.toHaveProperty('payload.schedule.slug');
  });

  it.each(['"x":1e22,', '"x":{"y":1,"y":2},', '"uuid":"again",'])(
    'can be a value that JSON.parse would change: %s',
    (more) => {
      const result = parse(fixture('run-completed-failed').replace('{', `{${more}`));
      expect(result).toMatchObject({ state: 'parsed', notes: [expect.anything()] });
    },
  );

  it('can be the status of a started run', () => {
    const started = JSON.parse(fixture('run-started')) as object;
    expect(parse({ ...started, status: { odd: true } })).toMatchObject({ signal: { types: ['run.started'] } });
  });
});

describe('a finished run whose message has no end', () => {
  it.each<[string, object, string[]]>([
    [
      'the fields of the end are there and empty',
      { end_dttm: null, commands: [], error_string: '' },
      ['run.failed', 'run.completed'],
    ],
    ['it has commands', { end_dttm: undefined }, ['run.failed', 'run.completed']],
    [
      "its end is Python's word for no time",
      { end_dttm: 'NaT', status: 'succeeded' },
      ['run.succeeded', 'run.completed'],
    ],
    [
      'it never started',
      { start_dttm: null, end_dttm: undefined, commands: undefined, error_string: undefined, status: 'canceled' },
      ['run.canceled', 'run.completed'],
    ],
    ['it was skipped', { start_dttm: undefined, end_dttm: null, commands: null, status: 'skipped' }, ['run.completed']],
    ['it may have failed', { end_dttm: '', commands: [], error_string: null, status: 'timeout' }, ['run.completed']],
  ])('is completed, never started, if %s', (_what, fields, types) => {
    expect(parse(changed(fields))).toMatchObject({
      messageType: 'bolt.run.completed',
      signal: { types, occurredAt: RECEIVED },
    });
  });
});

describe('a status that may mean a failure', () => {
  const good = { id: 1, status: 'succeeded', return_code: 0 };

  it.each<[string, object, string]>([
    ['nothing else', { commands: [good], error_string: null }, 'unknown'],
    ['an error text', { commands: [good], error_string: 'boom' }, 'failed'],
    ['a failed command', { commands: [good, { id: 2, status: 'failed' }] }, 'failed'],
    ['a return code', { commands: [{ id: 2, return_code: 137 }] }, 'failed'],
    [
      'a command with such a status and an error',
      { commands: [{ id: 2, status: 'killed', return_code: 137 }] },
      'failed',
    ],
    ['a command with such a status only', { commands: [{ id: 2, status: 'killed' }] }, 'unknown'],
  ])('is decided by %s', (_what, fields, status) => {
    for (const word of ['timeout', 'timed_out', 'Timed out', 'KILLED', 'aborted ']) {
      const result = parse(changed({ error_string: null, ...fields, status: word }));
      expect(result).toMatchObject({ state: 'parsed', signal: { run: { status, providerStatus: word } } });
    }
  });
});

describe('an invalid body', () => {
  const bytes = Buffer.from(fixture('run-completed-failed'));

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
    ['null', 'null', 'the payload: expected an object, got null'],
    ['a text', '"failed"', 'the payload: expected an object, got a string'],
    ['a number', '7', 'the payload: expected an object, got an integer'],
    ['a list', [changed({})], 'the payload: expected an object, got an array of 1'],
    ['an empty object', {}, 'id: expected an id'],
    ['an id beyond 2^53', '{"id":9007199254740993,"workspace":{"uid":"w"}}', 'got a number beyond'],
    ['an id with a fraction', changed({ id: 1.5 }), 'id: expected an id'],
    ['an id with NUL', changed({ id: '1\0' }), 'id: expected an id'],
    ['an endless id', changed({ id: '1'.repeat(LIMITS.idCharsMax + 1) }), 'id: expected an id'],
    ['no id', changed({ id: undefined }), 'id: expected an id'],
    ['a list for an id', changed({ id: [63187] }), 'id: expected an id'],
    ['no workspace', changed({ workspace: undefined }), 'workspace: expected an object, got nothing'],
    ['a text for a workspace', changed({ workspace: 'w' }), 'workspace: expected an object, got a string'],
    ['a list for a workspace', changed({ workspace: [] }), 'workspace: expected an object, got an array of 0'],
    ['no uid', changed({ workspace: { name: 'w' } }), 'workspace.uid: expected an id'],
    ['a uid with a lone surrogate', changed({ workspace: { uid: '\ud800' } }), 'workspace.uid: expected an id'],
    ["Python's word for no id", changed({ id: 'None' }), 'id: expected an id, got a string'],
    ['a number for a status', changed({ status: 10 }), 'status: expected a string, got an integer'],
    [
      'two statuses',
      fixture('run-completed-failed').replace('{', '{"status":"succeeded",'),
      'status: expected a string, got a duplicate key',
    ],
    ['two ids', fixture('run-completed-failed').replace('{', '{"id":1,'), 'id: expected an id'],
    ['nesting without end', `${'['.repeat(100_000)}`, 'The body is nested deeper'],
  ])('is quarantined with a reason: %s', (_what, body, reason) => {
    expect(parse(body)).toEqual({ state: 'quarantined', reason: expect.stringContaining(reason) });
  });
});
