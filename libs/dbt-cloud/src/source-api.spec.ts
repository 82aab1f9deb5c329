import { describe, expect, it } from '@jest/globals';
import { ConfigurationError, type ProviderApi } from 'nestjs-runhooks/core';
import { apiHost } from '../../../test/providers/api-host.js';
import { DbtCloudApi } from './api/dbt-cloud-api.js';
import { DbtCloudResultsReader } from './results/results-reader.js';
import { dbtCloud, type DbtCloudOptions } from './source.js';

const host = apiHost(() => new Date(0));

function open(options: Record<string, unknown>): ProviderApi | undefined {
  const all = { name: 'dbt', secrets: ['a-secret'], ...options } as DbtCloudOptions;
  return dbtCloud(all).openApi?.(host);
}

const address = { accessUrl: 'https://ab123.us1.dbt.com' };

describe('the option api of dbtCloud', () => {
  it('is not needed', () => {
    expect(open({})).toBeUndefined();
  });

  it('gives a client, a reader of results, rounds and their scope', () => {
    const api = open({ api: { ...address, accountId: '4', readToken: 'r', actToken: 'a', webhooksToken: 'w' } });
    expect(api?.client).toBeInstanceOf(DbtCloudApi);
    expect(api?.results).toBeInstanceOf(DbtCloudResultsReader);
    expect(api?.rounds.map(({ kind, everyMs }) => [kind, everyMs])).toEqual([
      ['ended', 60_000],
      ['canceled', 300_000],
      ['open', 600_000],
    ]);
    expect(api).toMatchObject({
      switchedOff: [],
      scope: [{ account: 'ab123.us1.dbt.com/4' }],
      sweeps: 'ended, canceled and open runs of the jobs of its webhook subscriptions',
    });
  });

  it('uses the accessUrl of the source, and a baseUrl before it', () => {
    expect(open({ ...address, api: { readToken: 'r' } })).toMatchObject({
      scope: [{ account: 'ab123.us1.dbt.com/*' }],
    });
    const proxied = open({ ...address, api: { baseUrl: 'https://proxy.example/dbt', readToken: 'r', accountId: '4' } });
    expect(proxied).toMatchObject({ scope: [{ account: 'proxy.example/4' }] });
  });

  it('has no rounds and reads no results without readToken, and lists what is switched off', () => {
    const api = open({ api: address });
    expect(api?.rounds).toEqual([]);
    expect(api?.sweeps).toBeUndefined();
    expect(api?.results).toBeUndefined();
    expect(api?.switchedOff).toEqual([
      expect.stringContaining("dbtCloud({ name: 'dbt' }).api.readToken"),
      expect.stringContaining("dbtCloud({ name: 'dbt' }).api.webhooksToken"),
    ]);
  });

  it.each([
    [{ api: { readToken: 'r' } }, '.api.accessUrl: expected the address'],
    [{ api: { baseUrl: 'http://dbt.example', readToken: 'r' } }, '.api.baseUrl: expected an https address'],
    [{ api: { accessUrl: 'https://k:secret@dbt.example' } }, '.api.accessUrl: expected an https address'],
    [{ api: { ...address, accountId: 4 } }, '.api.accountId: expected a string of digits, got a number'],
    [{ api: { ...address, accountId: '../5' } }, '.api.accountId: expected a string of digits'],
    [{ api: { ...address, readToken: '' } }, '.api.readToken: expected a token without spaces, got an empty string'],
    [{ api: { ...address, actToken: 'secret secret' } }, '.api.actToken: expected a token without spaces'],
    [{ api: { ...address, webhooksToken: 5 } }, '.api.webhooksToken: expected a token without spaces, got a number'],
    [{ api: { ...address, token: 'secret' } }, '.api.token: unknown option'],
    [{ api: 'secret' }, '.api: expected an object'],
    [{ api: address, sweep: {} }, '.api.readToken: expected the token that sweeps need, got undefined'],
    [{ sweep: {} }, '.sweep: expected the option api as well'],
    [{ api: { ...address, readToken: 'r' }, sweep: { graceMs: -1 } }, '.sweep.graceMs: expected an integer from 0'],
    [{ api: { ...address, readToken: 'r' }, sweep: { historyMs: 1.5 } }, '.sweep.historyMs: expected an integer'],
    [{ api: { ...address, readToken: 'r' }, sweep: { jobs: [] } }, '.sweep.jobs: expected an array of 1 to 1000'],
    [{ api: { ...address, readToken: 'r' }, sweep: { jobs: [10] } }, '.sweep.jobs[0]: expected a string'],
    [{ api: { ...address, readToken: 'r' }, sweep: { job: ['a'] } }, '.sweep.job: unknown option'],
  ])('names the option that is invalid in %j', (options, message) => {
    const fail = () => open(options);
    expect(fail).toThrow(ConfigurationError);
    expect(fail).toThrow(`dbtCloud({ name: 'dbt' })${message}`);
    expect(fail).not.toThrow(/secret/);
  });

  it('takes a token from a file with a line break', () => {
    expect(open({ api: { ...address, readToken: 'r\n' } })?.rounds).toHaveLength(3);
  });
});
