import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from 'nestjs-runhooks/core';
import { checkApiOptions } from './api-options.js';

const ENDPOINT = 'https://api.paradime.io/api/v1/abc/graphql';
const TOKEN = 'prdm_wsp_0123456789';

function errorOf(options: unknown): unknown {
  try {
    return checkApiOptions(options, 'api');
  } catch (error) {
    return error;
  }
}

describe('the option api', () => {
  it('is split into an address and headers', () => {
    expect(checkApiOptions({ endpoint: ENDPOINT, token: `${TOKEN}\n`, workspace: 'w1' }, 'api')).toEqual({
      origin: 'https://api.paradime.io',
      path: '/api/v1/abc/graphql',
      headers: { authorization: `Bearer ${TOKEN}`, 'x-paradime-workspace': 'w1' },
      workspace: 'w1',
      artifactHosts: [],
      concurrency: 2,
      callsPerSecond: 5,
    });
  });

  it.each<[string, unknown, string]>([
    ['null', null, 'api'],
    ['an unknown option', { endpoint: ENDPOINT, token: TOKEN, tokn: 'x' }, 'api.tokn'],
    ['no endpoint', { token: TOKEN }, 'api.endpoint'],
    ['plain http', { endpoint: 'http://api.paradime.io/graphql', token: TOKEN }, 'api.endpoint'],
    ['credentials in the endpoint', { endpoint: 'https://a:b@api.paradime.io/graphql', token: TOKEN }, 'api.endpoint'],
    ['no credentials', { endpoint: ENDPOINT }, 'api.token'],
    ['an unset token', { endpoint: ENDPOINT, token: undefined }, 'api.token'],
    ['an empty token', { endpoint: ENDPOINT, token: ' ' }, 'api.token'],
    ['a token of another kind', { endpoint: ENDPOINT, token: 'hunter2' }, 'api.token'],
    ['a token with a line break inside', { endpoint: ENDPOINT, token: 'prdm_wsp_hunter2\nx' }, 'api.token'],
    ['a company token without a workspace', { endpoint: ENDPOINT, token: 'prdm_cmp_hunter2' }, 'api.workspace'],
    ['a key without a secret', { endpoint: ENDPOINT, apiKey: 'hunter2' }, 'api.apiSecret'],
    ['a secret without a key', { endpoint: ENDPOINT, apiSecret: 'hunter2' }, 'api.apiKey'],
    ['a token as a secret', { endpoint: ENDPOINT, apiKey: 'k', apiSecret: 'prdm_wsp_hunter2' }, 'api.apiSecret'],
    ['both kinds', { endpoint: ENDPOINT, apiKey: 'k', apiSecret: 's', token: TOKEN }, 'api.token'],
    ['an empty workspace', { endpoint: ENDPOINT, token: TOKEN, workspace: '' }, 'api.workspace'],
    ['no calls', { endpoint: ENDPOINT, token: TOKEN, callsPerSecond: 0 }, 'api.callsPerSecond'],
    ['a string of calls', { endpoint: ENDPOINT, token: TOKEN, concurrency: '2' }, 'api.concurrency'],
    ['a string of hosts', { endpoint: ENDPOINT, token: TOKEN, artifactHosts: 'hunter2' }, 'api.artifactHosts'],
  ])('fails with its name and without its value: %s', (_what, options, named) => {
    const error = errorOf(options);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ option: named });
    expect(String(error)).not.toContain('hunter2');
  });
});
