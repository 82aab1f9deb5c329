import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../errors.js';
import { LIMITS } from '../limits.js';
import { openApis } from './open-apis.js';
import type { Provider } from './provider.js';
import type { ApiHost, ApiScope, ProviderApi } from './provider-api.js';
import { openSources, type Source } from './source.js';

const HOST: ApiHost = {
  now: () => new Date(0),
  cooldownUntil: () => Promise.resolve(undefined),
  coolDown: () => Promise.resolve(),
  act: () => Promise.reject(new Error('no action was expected')),
};

const openApi = (source: Source) => source.openApi?.(HOST);

function apiWith(scope: readonly ApiScope[]): ProviderApi {
  const round = { kind: 'ended', everyMs: 1, run: () => Promise.resolve() };
  return { client: {}, switchedOff: [], scope, rounds: [round] };
}

const PROVIDER = { parseReported: () => ({ state: 'test', reason: 'a test' }) } as unknown as Provider;

function source(name: string, openApi?: Source['openApi'], provider = PROVIDER): Source {
  return { name, provider: 'provider', open: () => provider, ...(openApi && { openApi }) };
}

function open(sources: readonly Source[], hasRounds = true) {
  return openApis(openSources(sources), sources, openApi, {
    hasRounds,
    deduplicationMs: LIMITS.sweptDeduplicationMsMin,
  });
}

function openScopes(one: ApiScope, other: ApiScope) {
  return open([source('one', () => apiWith([one])), source('other', () => apiWith([other]))]);
}

describe('openApis', () => {
  it('adds the access to the API to the sources that have one', () => {
    const api = apiWith([]);
    const [one, two, three] = open([source('one', () => api), source('two', () => undefined), source('three')]);
    expect([one?.api, two?.api, three?.api]).toEqual([api, undefined, undefined]);
  });

  it('passes the host to the source', () => {
    const hosts: ApiHost[] = [];
    open([source('one', (host) => void hosts.push(host))]);
    expect(hosts).toEqual([HOST]);
  });

  it('rejects a source with rounds if the store cannot keep them', () => {
    const sources = [source('one'), source('two', () => apiWith([]))];
    expect(() => open(sources, false)).toThrow(ConfigurationError);
    expect(() => open(sources, false)).toThrow(/^sources\[1\]\.api: .*Store\.rounds.*source "two"/);
    expect(open([source('two', () => ({ ...apiWith([]), rounds: [] }))], false)[0]?.api).toBeDefined();
  });

  it('rejects a source with rounds if its provider cannot parse what they find', () => {
    const sources = [source('one'), source('two', () => apiWith([]), {} as Provider)];
    expect(() => open(sources)).toThrow(ConfigurationError);
    expect(() => open(sources)).toThrow(/^sources\[1\]: .*parseReported.*source "two"/);
    expect(open([source('two', () => ({ ...apiWith([]), rounds: [] }), {} as Provider)])[0]?.api).toBeDefined();
  });

  it('rejects a source with rounds if the inbox forgets runs that they can still find', () => {
    const sources = [source('one', () => apiWith([]))];
    const keeping = { hasRounds: true, deduplicationMs: LIMITS.sweptDeduplicationMsMin - 1 };
    const start = () => openApis(openSources(sources), sources, openApi, keeping);
    expect(start).toThrow(ConfigurationError);
    expect(start).toThrow(/^retention\.deduplicationMs: .*source "one" is swept, got 1209599999/);
    const without = [source('one', () => ({ ...apiWith([]), rounds: [] }))];
    expect(openApis(openSources(without), without, openApi, keeping)[0]?.api).toBeDefined();
  });

  it('rejects two sources of one host if the account of one is not known', () => {
    expect(() => openScopes({ account: 'host/*' }, { account: 'host/1' })).toThrow(/source "one"/);
    expect(() => openScopes({ account: 'host/*' }, { account: 'other/1' })).not.toThrow();
  });

  it.each([
    ['all jobs', undefined, undefined],
    ['all jobs and some', undefined, ['1']],
    ['the same job', ['1', '2'], ['3', '2']],
    ['a pattern and a job', ['nightly-*'], ['nightly-build']],
    ['two patterns', ['nightly-*'], ['*-build']],
    ['patterns with an empty match', ['a*'], ['*a']],
  ])('rejects two sources that look at %s of one account', (_, jobs, others) => {
    const scopes = [jobs, others].map((list): ApiScope => ({ account: 'host/1', ...(list && { jobs: list }) }));
    const fails = (): unknown => openScopes(scopes[0]!, scopes[1]!);
    expect(fails).toThrow(ConfigurationError);
    expect(fails).toThrow(/^sources\[1\]\.sweep: .*source "one"/);
  });

  it.each([
    ['other accounts', { account: 'host/1' }, { account: 'host/2' }],
    ['other jobs', { account: 'host/1', jobs: ['1', '2'] }, { account: 'host/1', jobs: ['3', '12'] }],
    [
      'patterns that match no common job',
      { account: 'host/1', jobs: ['a-*', '*-x'] },
      { account: 'host/1', jobs: ['b-*-y'] },
    ],
    ['no jobs', { account: 'host/1', jobs: [] }, { account: 'host/1' }],
  ])('accepts two sources that look at %s', (_, one, other) => {
    expect(openScopes(one, other)).toHaveLength(2);
  });
});
