import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../errors.js';
import { LIMITS } from '../limits.js';
import type { Provider } from './provider.js';
import { openSources, type Source, type SourceOptions } from './source.js';

const PROVIDER = { name: 'provider' } as Provider;
const source = (options: Partial<SourceOptions> = {}): Source => ({
  name: 'dbt',
  provider: 'provider',
  open: () => PROVIDER,
  ...options,
});

function refusal(...sources: Source[]): ConfigurationError {
  try {
    openSources(sources);
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('the sources were accepted');
}

describe('openSources', () => {
  it('uses the default path and limit of a source, and opens its provider once', () => {
    let opened = 0;
    const open = () => {
      opened += 1;
      return PROVIDER;
    };
    expect(openSources([{ ...source(), open }])).toEqual([
      { name: 'dbt', paths: ['/webhooks/dbt'], bodyBytesMax: LIMITS.bodyBytesMax, provider: PROVIDER },
    ]);
    expect(opened).toBe(1);
  });

  it('accepts one path or several, and another limit', () => {
    const [one, several] = openSources([
      source({ path: '/hooks' }),
      source({ name: 'two', path: ['/a', '/b/c'], bodyBytesMax: 1 }),
    ]);
    expect(one?.paths).toEqual(['/hooks']);
    expect(several).toMatchObject({ paths: ['/a', '/b/c'], bodyBytesMax: 1 });
  });

  it('opens two sources of one provider separately', () => {
    const names = openSources([source({ name: 'eu' }), source({ name: 'us' })]).map(({ name, paths }) => [name, paths]);
    expect(names).toEqual([
      ['eu', ['/webhooks/eu']],
      ['us', ['/webhooks/us']],
    ]);
  });

  it('rejects an empty array of sources', () => {
    expect(refusal()).toMatchObject({ option: 'sources', message: expect.stringContaining('dbtCloud(') as unknown });
  });

  it.each([
    ['undefined', undefined, 'sources', 'expected an array, got undefined'],
    ['a source without a list', source(), 'sources', 'expected an array, got an object'],
    [
      'a list with a hole',
      [source(), undefined],
      'sources[1]',
      'expected a source, such as dbtCloud({ … }) or paradime({ … }), got undefined',
    ],
    ['options that no provider was given', [{ name: 'dbt' }], 'sources[0]', 'as dbtCloud({ … })'],
  ])('rejects %s instead of the sources and names the option', (_, sources, option, message) => {
    expect(() => openSources(sources as Source[])).toThrow(ConfigurationError);
    expect(() => openSources(sources as Source[])).toThrow(`${option}: `);
    expect(() => openSources(sources as Source[])).toThrow(message);
  });

  it('rethrows the error of a provider unchanged', () => {
    const problem = new ConfigurationError('secrets[0]', 'found none');
    const open = (): Provider => {
      throw problem;
    };
    expect(refusal({ ...source(), open })).toBe(problem);
  });

  it.each(['dbt', 'a', '0', 'dbt-cloud_2', 'x'.repeat(64)])('accepts the name %j', (name) => {
    expect(openSources([source({ name })])[0]?.name).toBe(name);
  });

  it.each([
    '',
    ' ',
    'Dbt',
    'dbt cloud',
    'dbt/eu',
    '-dbt',
    '_dbt',
    'dbt\n',
    'dbt\0',
    'dbté',
    '../dbt',
    'x'.repeat(65),
    undefined,
    null,
    5,
    ['dbt'],
  ])('rejects the name %j, with the option and the value', (name) => {
    const error = refusal(source({ name: 'first' }), source({ name: name as string }));
    expect(error.option).toBe('sources[1].name');
    expect(error.message).toContain(`got ${JSON.stringify(name)}`);
  });

  it.each(['/a', '/a/b', '/A.b_c~d-e/0', '/.well-known/a..b/...', '/webhooks/dbt'])('accepts the path %j', (path) => {
    expect(openSources([source({ path })])[0]?.paths).toEqual([path]);
  });

  it.each([
    '',
    '/',
    'a',
    'hooks/dbt',
    '/a/',
    '//a',
    '/a//b',
    '/.',
    '/..',
    '/a/../b',
    '/a/.',
    '/a b',
    '/:id',
    '/a*',
    '/(a)',
    '/a?b=c',
    '/a#b',
    '/%61',
    '/a\n',
    'http://host/a',
    5,
    null,
    undefined,
    {},
  ])('rejects the path %j, alone or among others', (path) => {
    for (const bad of [path === undefined ? [path] : path, ['/good', path]]) {
      const error = refusal(source({ path: bad as string }));
      expect(error.option).toBe('sources[0].path');
      expect(error.message).toContain('expected an absolute path');
    }
  });

  it('rejects an empty array of paths', () => {
    expect(refusal(source({ path: [] })).option).toBe('sources[0].path');
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity, 2 ** 53, '1024', null])('rejects %p as bodyBytesMax', (bodyBytesMax) => {
    expect(refusal(source({ bodyBytesMax: bodyBytesMax as number })).option).toBe('sources[0].bodyBytesMax');
  });

  it('rejects a second source of the same name', () => {
    const error = refusal(source(), source({ path: '/other' }));
    expect(error).toMatchObject({ option: 'sources[1].name', message: expect.stringContaining('"dbt"') as unknown });
  });

  it.each([
    ['of another source', [source({ path: '/a' }), source({ name: 'two', path: ['/b', '/a'] })], 1],
    ['that is the default of another', [source(), source({ name: 'two', path: '/webhooks/dbt' })], 1],
    ['of its own', [source({ path: ['/a', '/a'] })], 0],
  ])('rejects a path %s and names its source', (_, sources, index) => {
    const error = refusal(...sources);
    expect(error.option).toBe(`sources[${index}].path`);
    expect(error.message).toContain(' of source "dbt"');
  });
});
