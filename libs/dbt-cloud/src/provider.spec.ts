import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { ParseResult } from 'nestjs-runhooks/core';
import { storedMessage } from '../../../test/providers/stored-message.js';
import { dbtCloud } from './source.js';

const fixtures = new URL('../../../test/fixtures/dbt-cloud/', import.meta.url);
const receivedAt = new Date('2026-11-23T08:00:00.000Z');
const provider = dbtCloud({
  name: 'dbt',
  secrets: ['a-secret'],
  accessUrl: 'https://ab123.us1.dbt.com/',
  testRunIds: ['777'],
}).open();

interface Sample {
  data: Record<string, unknown>;
  [key: string]: unknown;
}

function sample(name = '12-completed'): Sample {
  return JSON.parse(readFileSync(new URL(`${name}.json`, fixtures), 'utf8')) as Sample;
}

function parseText(body: string | Uint8Array): ParseResult {
  return provider.parse(storedMessage(body, receivedAt));
}

function parse(value: unknown): ParseResult {
  return parseText(JSON.stringify(value));
}

/** The completed sample with other values; undefined takes a field away. */
function completed(
  data: Record<string, unknown>,
  envelope: Record<string, unknown> = {},
  name = '12-completed',
): ParseResult {
  const { data: before, ...rest } = sample(name);
  return parse({ ...rest, ...envelope, data: { ...before, ...data } });
}

function signalOf(result: ParseResult) {
  if (result.state !== 'parsed') throw new Error(`${result.state}: ${result.reason}`);
  return result.signal;
}

describe('outcomes', () => {
  it.each([
    ['job.run.completed', { runStatusCode: 10 }, ['run.succeeded', 'run.completed'], 'succeeded'],
    ['job.run.completed', { runStatusCode: '10', runStatus: null }, ['run.succeeded', 'run.completed'], 'succeeded'],
    ['job.run.completed', { runStatusCode: 20, runStatus: 'Errored' }, ['run.failed', 'run.completed'], 'failed'],
    ['job.run.completed', { runStatusCode: 30, runStatus: 'Cancelled' }, ['run.canceled', 'run.completed'], 'canceled'],
    [
      'job.run.completed',
      { runStatusCode: null, runStatus: 'Canceled' },
      ['run.canceled', 'run.completed'],
      'canceled',
    ],
    ['job.run.completed', { runStatusCode: 'None', runStatus: 'Error' }, ['run.failed', 'run.completed'], 'failed'],
    ['job.run.completed', { runStatusCode: undefined, runStatus: 'Sideways' }, ['run.completed'], 'unknown'],
    ['job.run.completed', { runStatusCode: 40 }, ['run.completed'], 'unknown'],
    ['job.run.errored', { runStatusCode: 10, runStatus: 'Success' }, ['run.failed'], 'failed'],
    ['job.run.started', { runStatusCode: 1, runStatus: 'Queued' }, ['run.started'], 'running'],
    [
      'job.run.canceled',
      { runStatusCode: undefined, runStatus: undefined },
      ['run.canceled', 'run.completed'],
      'canceled',
    ],
    ['job.run.cancelled', { runStatusCode: 30, runStatus: 'Cancelled' }, ['run.canceled', 'run.completed'], 'canceled'],
  ])('maps %s with %j to %j', (eventType, data, types, status) => {
    expect(signalOf(completed(data, { eventType }))).toMatchObject({ types, run: { status } });
  });

  it('uses one message type for both spellings of canceled and keeps the sent one in the payload', () => {
    expect(completed({}, { eventType: 'job.run.cancelled' })).toMatchObject({
      messageType: 'job.run.canceled',
      payload: { eventType: 'job.run.cancelled' },
    });
  });
});

describe('undocumented details', () => {
  it('accepts ids as numbers or strings, and times without a zone as UTC', () => {
    const data = { runId: 12, jobId: 34, projectId: 56, environmentId: 78, runFinishedAt: '2023-01-31 19:29:32' };
    const result = completed(data, { accountId: '9' });

    expect(signalOf(result).run).toMatchObject({
      id: '12',
      url: 'https://ab123.us1.dbt.com/deploy/9/projects/56/runs/12',
      job: { key: '9/34', id: '34' },
      project: { id: '56' },
      environment: { id: '78' },
      finishedAt: new Date('2023-01-31T19:29:32.000Z'),
    });
    expect(result).toMatchObject({ payload: { accountId: '9', data: { runId: '12', jobId: '34' } } });
  });

  it.each([undefined, null, '', 'None', ' '])(
    'parses a run with few fields (%j) without the missing ones',
    (nothing) => {
      const optional = [
        'jobName',
        'environmentId',
        'environmentName',
        'dbtVersion',
        'projectId',
        'projectName',
        'runStatusCode',
        'runStatusMessage',
        'runReason',
        'runStartedAt',
        'runFinishedAt',
        'runErroredAt',
      ];
      const data = Object.fromEntries(optional.map((key) => [key, nothing]));
      const envelope = { eventId: nothing, webhookId: nothing, webhookName: nothing, timestamp: nothing };

      expect(signalOf(completed(data, envelope))).toEqual({
        types: ['run.succeeded', 'run.completed'],
        occurredAt: receivedAt,
        run: {
          id: '12345',
          status: 'succeeded',
          providerStatus: 'Success',
          job: { key: '1/123', id: '123' },
          account: { id: '1' },
          trigger: { kind: 'unknown' },
        },
      });
    },
  );

  it('uses the time of the message if the run has none', () => {
    const result = completed({ runFinishedAt: undefined }, { timestamp: '2023-01-31T19:29:35.789265936Z' });

    expect(signalOf(result).occurredAt).toEqual(new Date('2023-01-31T19:29:35.789Z'));
  });

  it('keeps a status message that is not blank, and unknown fields', () => {
    const result = completed(
      { runStatusMessage: 'dbt command failed', attempt: 2, constructor: 'x' },
      { region: ['eu'] },
    );

    expect(signalOf(result).run.statusMessage).toBe('dbt command failed');
    expect(result).toMatchObject({ payload: { region: ['eu'], data: { attempt: 2, constructor: 'x' } } });
  });

  it('gives two jobs different keys for any ids', () => {
    const keys = [
      ['1/2', '3'],
      ['1', '2/3'],
    ].map(([accountId, jobId]) => signalOf(completed({ jobId }, { accountId })).run.job.key);

    expect(keys).toEqual(['1%2F2/3', '1/2%2F3']);
  });
});

describe('test deliveries', () => {
  it.each([
    ['no run id', { runId: undefined }, {}],
    ['an empty run id', { runId: '' }, {}],
    ['no status', { runStatus: undefined, runStatusCode: undefined }, {}],
    ['a blank status', { runStatus: 'None', runStatusCode: null }, {}],
    [
      'an errored run without a status',
      { runStatus: undefined, runStatusCode: undefined },
      { eventType: 'job.run.errored' },
    ],
    [
      'a started run without a status',
      { runStatus: undefined, runStatusCode: undefined },
      { eventType: 'job.run.started' },
    ],
    ['a run id that is configured as one', { runId: 777 }, {}],
    ['nothing but an event id', { runId: undefined }, { eventType: undefined }],
  ])('are recognized by %s', (_, data, envelope) => {
    expect(completed(data, envelope)).toEqual({
      state: 'test',
      notes: [],
      reason: expect.stringMatching(/, as in the messages of dbt's "Test Endpoint" button$/),
    });
  });

  it.each([undefined, null, {}])('are recognized by data of %j', (data) => {
    expect(parse({ ...sample(), data }).state).toBe('test');
  });

  it('do not include started or canceled runs of 2022, which have no status', () => {
    expect(completed({}, {}, '02-2022-started').state).toBe('parsed');
    expect(completed({}, {}, '03-2022-canceled').state).toBe('parsed');
    expect(completed({ run_status: undefined }, {}, '04-2022-completed').state).toBe('test');
  });
});

describe('messages of an unrecognized type', () => {
  it('are kept with their type and payload', () => {
    expect(completed({ jobId: undefined }, { eventType: 'job.run.paused' })).toEqual({
      state: 'unrecognized',
      reason: 'this version does not know the eventType',
      messageType: 'job.run.paused',
      payload: expect.objectContaining({ eventType: 'job.run.paused', accountId: '1' }),
      notes: [],
    });
  });

  it.each(['constructor', '__proto__', 'toString'])('can have the type %s', (eventType) => {
    expect(completed({}, { eventType })).toMatchObject({ state: 'unrecognized', messageType: eventType });
  });
});

describe('an invalid field that decides nothing', () => {
  const ZERO = '0001-01-01T00:00:00Z';

  it.each<[Record<string, unknown>, Record<string, unknown>, string[]]>([
    [{ runErroredAt: ZERO, runFinishedAt: '1970-01-01T00:00:00Z' }, {}, ['data.runFinishedAt', 'data.runErroredAt']],
    [{ runStartedAt: 1675193287, runFinishedAt: 1675193287000 }, {}, ['data.runStartedAt', 'data.runFinishedAt']],
    [{ runFinishedAt: '2023-02-30T00:00:00Z' }, { timestamp: 'yesterday' }, ['timestamp', 'data.runFinishedAt']],
    [{ runStatusMessage: { error: 'SECRET' }, runReason: ['SECRET'] }, {}, ['data.runStatusMessage', 'data.runReason']],
    [{ jobName: { constructor: 1 }, environmentName: true }, {}, ['data.jobName', 'data.environmentName']],
    [{ environmentId: 1.5, projectId: '1\u0007' }, {}, ['data.environmentId', 'data.projectId']],
    [{}, { eventId: {}, webhookId: 'x'.repeat(256), webhookName: [] }, ['webhookId', 'eventId', 'webhookName']],
    [{ runStatus: {}, runStatusCode: 'twenty' }, {}, ['data.runStatus', 'data.runStatusCode']],
    [{ jobName: 2024, dbtVersion: '', runStatusMessage: 'None' }, {}, []],
    [{ jobName: 'x'.repeat(10_000), environmentName: 'Pro\tduction' }, {}, []],
  ])('does not suppress the event of a failed run: %j, %j', (data, envelope, paths) => {
    const result = completed(data, envelope, '13-errored');

    expect(result).toMatchObject({
      state: 'parsed',
      signal: { types: ['run.failed'], run: { id: '12345', status: 'failed' } },
    });
    const notes = result.state === 'parsed' ? (result.notes ?? []) : [];
    expect(notes.map(({ path }) => path)).toEqual(paths);
    expect(JSON.stringify(notes)).not.toContain('SECRET');
  });

  it("is absent from the payload and the run, and is noted under today's name", () => {
    const result = completed({ run_started_at: 17, job_name: { x: 1 } }, {}, '04-2022-completed');

    expect(result).toMatchObject({
      state: 'parsed',
      notes: [
        { path: 'data.jobName', expected: 'a string', found: 'an object' },
        { path: 'data.runStartedAt', expected: expect.stringMatching(/^a time/), found: 'an integer' },
      ],
    });
    expect(result).not.toHaveProperty('payload.data.jobName');
    expect(result).not.toHaveProperty('payload.data.runStartedAt');
    expect(result).not.toHaveProperty('signal.run.startedAt');
    expect(result).not.toHaveProperty('signal.run.job.name');
  });

  it('becomes a string if it is a number instead of a name', () => {
    expect(completed({ jobName: 2024 })).toMatchObject({ payload: { data: { jobName: '2024' } }, notes: [] });
  });

  it('can be the status beside a code, or the code beside a status of a failure', () => {
    expect(signalOf(completed({ runStatus: {}, runStatusCode: 10 })).types).toEqual(['run.succeeded', 'run.completed']);
    expect(signalOf(completed({ runStatus: 'Errored', runStatusCode: {} })).types).toEqual([
      'run.failed',
      'run.completed',
    ]);
  });

  it.each(['job.run.errored ', ' JOB.RUN.ERRORED', 'Job.Run.Errored\n'])(
    'has the type %j read as what it means',
    (eventType) => {
      const result = completed({}, { eventType }, '13-errored');

      expect(result).toMatchObject({ state: 'parsed', messageType: 'job.run.errored', notes: [] });
      expect(result).toHaveProperty('payload.eventType', eventType.trim());
    },
  );

  it.each([
    ['"x":1e22,', ['x']],
    ['"x":[{"y":12345678901234567890,"y":0}],', ['x[0].y']],
    ['"x":"\\u0000\\ud800",', []],
    ['"__proto__":{"eventType":"x"},', ['__proto__']],
    ['"eventId":"wev_1",', ['eventId']],
  ])('can be a value that JSON.parse would change: %s', (more, paths) => {
    const result = parseText(JSON.stringify(sample('13-errored')).replace('{', `{${more}`));

    expect(result).toMatchObject({ state: 'parsed', signal: { types: ['run.failed'] } });
    expect(result.state === 'parsed' && result.notes?.map(({ path }) => path)).toEqual(paths);
    expect({}).not.toHaveProperty('eventType');
  });

  it('is noted with tests and unrecognized messages as well', () => {
    const notes = [{ path: 'data.jobName', expected: 'a string', found: 'an object' }];
    expect(completed({ jobName: {}, runId: null })).toMatchObject({ state: 'test', notes });
    expect(completed({ jobName: {} }, { eventType: 'job.run.paused' })).toMatchObject({ state: 'unrecognized', notes });
  });
});

describe('an invalid body', () => {
  it.each([
    ['null', null, /^the payload: expected an object, got null$/],
    ['a list', [sample()], /^the payload: expected an object, got an array of 1$/],
    ['a text', 'job.run.completed', /^the payload: expected an object, got a string of 17 characters$/],
    ['an empty object', {}, /^eventType: .*got nothing$/],
    ['data as a list', { ...sample(), data: [] }, /^data: expected an object, got an array of 0$/],
    ['data as a text', { ...sample(), data: '{}' }, /^data: expected an object, got a string of 2 characters$/],
  ])('is quarantined with a reason: %s', (_, value, reason) => {
    expect(parse(value)).toEqual({ state: 'quarantined', reason: expect.stringMatching(reason) });
  });

  it.each([
    [{}, { accountId: undefined }, 'accountId: expected an id'],
    [{}, { accountId: {} }, 'accountId: expected an id'],
    [{}, { accountId: 1.5 }, 'accountId: expected an id'],
    [{}, { accountId: true }, 'accountId: expected an id'],
    [{}, { eventType: 7 }, 'eventType: expected a string of 1 to 255 printable characters'],
    [{}, { eventType: 'job\u0000' }, 'eventType: expected a string of 1 to 255 printable characters'],
    [{}, { eventType: ['job.run.completed'] }, 'eventType: expected a string of 1 to 255 printable characters'],
    [{}, { eventType: undefined, eventId: undefined }, 'eventType: expected a string such as job.run.completed'],
    [{}, { eventType: undefined }, 'eventType: expected a string such as job.run.completed'],
    [{ jobId: undefined }, {}, 'data.jobId: expected an id'],
    [{ jobId: ['1'] }, {}, 'data.jobId: expected an id'],
    [{ runId: '1\u0007' }, {}, 'data.runId: expected an id'],
    [{ runId: '1\ud800' }, {}, 'data.runId: expected an id'],
    [{ runId: '1'.repeat(256) }, {}, 'data.runId: expected an id'],
    [{ runId: { length: 1 } }, {}, 'data.runId: expected an id'],
    [{ runStatusCode: null, runStatus: 10 }, {}, 'data.runStatus: expected a string'],
    [{ runStatusCode: 'ten' }, {}, 'data.runStatusCode: expected an integer'],
    [{ runStatusCode: 10.5 }, {}, 'data.runStatusCode: expected an integer'],
    [{ runStatusCode: [10], runStatus: 'timeout' }, {}, 'data.runStatusCode: expected an integer'],
  ])('is quarantined if a deciding field is invalid: %j, %j', (data, envelope, reason) => {
    const result = completed(data, envelope);

    expect(result).toEqual({ state: 'quarantined', reason: expect.stringContaining(reason) });
  });

  const text = JSON.stringify(sample());
  it.each([
    ['an empty body', ''],
    ['a truncated body', text.slice(0, -2)],
    ['a body that is not UTF-8', Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from([0xff, 0x7d])])],
    ['a NUL byte', `${text}\u0000`],
    ['a key that decides given twice', text.replace('{', '{"eventType":"job.run.started",')],
    ['data given twice', text.replace('{', '{"data":{},')],
    ['an id beyond 2^53', text.replace('"accountId":1', '"accountId":9007199254740993')],
    ['nesting deeper than 64', text.replace('{', `{"x":${'['.repeat(100_000)}${']'.repeat(100_000)},`)],
    ['text behind the end', `${text}{}`],
    ['HTML', '<html></html>'],
  ])('is quarantined: %s', (_, body) => {
    expect(parseText(body).state).toBe('quarantined');
  });

  it('has a reason about deciding fields only, and without values', () => {
    const result = completed(
      { runId: ['SECRET'], jobId: ['SECRET'], jobName: ['SECRET'], projectId: ['SECRET'] },
      { accountId: ['SECRET'], timestamp: 'SECRET' },
    );

    expect(result).toEqual({
      state: 'quarantined',
      reason: expect.stringMatching(/^accountId: .*; data\.runId: [^;]*$/),
    });
    expect(JSON.stringify(result)).not.toContain('SECRET');
  });
});
