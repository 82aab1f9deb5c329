import { describe, expect, it } from '@jest/globals';
import { ConfigurationError, type ApiHost, type ProviderApi } from 'nestjs-runhooks/core';
import { storedMessage } from '../../../test/providers/stored-message.js';
import { ParadimeApi } from './api/paradime-api.js';
import { paradime } from './source.js';
import { envelopeOf } from './sweep/envelope.js';

const API = { endpoint: 'https://api.demo.paradime.io/api/v1/abc/graphql', token: 'prdm_wsp_hunter2', workspace: 'w1' };

const host: ApiHost = {
  now: () => new Date(0),
  cooldownUntil: async () => undefined,
  coolDown: async () => undefined,
  act: () => Promise.reject(new Error('No action was expected.')),
};

function open(options: object): ProviderApi | undefined {
  return paradime({ name: 'p', scheme: 'unsigned-insecure', ...options }).openApi?.(host);
}

function errorOf(options: object): unknown {
  try {
    return open(options);
  } catch (error) {
    return error;
  }
}

describe('the API of a source', () => {
  it('does not exist without the option api', () => {
    expect(open({})).toBeUndefined();
  });

  it('has a client, two rounds, and sentences for the log', () => {
    const api = open({ api: API });
    expect(api?.client).toBeInstanceOf(ParadimeApi);
    expect(api?.rounds.map(({ kind, everyMs }) => [kind, everyMs])).toEqual([
      ['schedules', 120_000],
      ['all', 21_600_000],
    ]);
    expect(api?.sweeps).toBe('all schedules of workspace w1, those with news every 2 min, all every 6 h');
    expect(api).toMatchObject({ scope: [{ account: 'api.demo.paradime.io/w1' }] });
    const some = open({ api: API, sweep: { schedules: ['daily-*', 'x'] } });
    expect(some?.sweeps).toContain('schedules daily-*, x of workspace w1');
    expect(some).toMatchObject({ scope: [{ account: 'api.demo.paradime.io/w1', jobs: ['daily-*', 'x'] }] });
  });

  it('reads results of runs, with or without a workspace', () => {
    const results = { read: expect.any(Function) };
    expect(open({ api: API })).toMatchObject({ results });
    expect(open({ api: { ...API, workspace: undefined } })).toMatchObject({ results });
  });

  it('has no rounds without a workspace, and reports it', () => {
    const api = open({ api: { ...API, workspace: undefined } });
    expect(api).toMatchObject({
      rounds: [],
      switchedOff: ['No sweeps look for lost webhooks. Set api.workspace to the uid of the workspace'],
    });
    expect(api).not.toHaveProperty('sweeps');
  });

  it('exposes no token', () => {
    expect(JSON.stringify(open({ api: API }))).not.toContain('hunter2');
    expect(JSON.stringify(paradime({ name: 'p', secrets: [], api: API }))).not.toContain('hunter2');
  });

  it('is not checked by a receiver, which needs no token', () => {
    const source = paradime({ name: 'p', scheme: 'unsigned-insecure', api: { ...API, token: undefined } });
    expect(source.open()).toBeDefined();
    expect(() => source.openApi?.(host)).toThrow(ConfigurationError);
  });

  it('makes the page of a run from the address of the API', () => {
    const parse = (endpoint: string) => {
      const body = JSON.stringify(envelopeOf({ id: '7', schedule: 's', status: 'running' }, PLACE, undefined));
      const provider = paradime({ name: 'p', scheme: 'unsigned-insecure', api: { ...API, endpoint } }).open();
      return provider.parseReported!(storedMessage(body));
    };
    expect(parse(API.endpoint)).toMatchObject({
      signal: { run: { url: 'https://app.demo.paradime.io/bolt/run_id/7' } },
    });
    expect(parse('https://paradime.example.com/graphql')).toMatchObject({
      signal: { run: expect.not.objectContaining({ url: expect.anything() }) },
    });
  });
});

const PLACE = { workspace: 'w1', workspaceName: undefined, schedule: { name: 's' } };

describe('an invalid option of the API', () => {
  const option = "paradime({ name: 'p' })";
  it.each<[string, object, string]>([
    ['sweep without api', { sweep: {} }, `${option}.sweep`],
    ['sweep without a workspace', { api: { ...API, workspace: undefined }, sweep: {} }, `${option}.api.workspace`],
    ['no token', { api: { ...API, token: undefined } }, `${option}.api.token`],
    ['null for api', { api: null }, `${option}.api`],
    ['null for sweep', { api: API, sweep: null }, `${option}.sweep`],
    ['an unknown option of sweep', { api: API, sweep: { jobs: [] } }, `${option}.sweep.jobs`],
    ['a negative time', { api: API, sweep: { graceMs: -1 } }, `${option}.sweep.graceMs`],
    ['more than an hour', { api: API, sweep: { graceMs: 3_600_001 } }, `${option}.sweep.graceMs`],
    ['no schedules', { api: API, sweep: { schedules: [] } }, `${option}.sweep.schedules`],
    ['a string of schedules', { api: API, sweep: { schedules: 'daily' } }, `${option}.sweep.schedules`],
    ['an empty schedule', { api: API, sweep: { schedules: ['a', ''] } }, `${option}.sweep.schedules[1]`],
  ])('fails at startup with its name: %s', (_what, options, named) => {
    const error = errorOf(options);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ option: named });
    expect(String(error)).not.toContain('hunter2');
  });
});
