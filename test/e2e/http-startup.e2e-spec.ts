import type { DynamicModule } from '@nestjs/common';
import { LazyModuleLoader, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConfigurationError, Inbox, WEBHOOKS_STORE, WebhooksModule, type WebhooksOptions } from 'nestjs-runhooks';
import { dbtCloud } from 'nestjs-runhooks/dbt-cloud';
import { paradime } from 'nestjs-runhooks/paradime';
import { memoryInbox, TEST_SECRETS } from 'nestjs-runhooks/testing';
import {
  ADAPTERS,
  closeApps,
  closeLater,
  DBT,
  dbtWebhook,
  isNest12,
  LogLines,
  newAdapter,
  startApp,
} from './http-app.js';

afterEach(closeApps);

const secrets = [TEST_SECRETS.dbtCloud];
const dbt = dbtCloud({ name: 'dbt', secrets });

/** Returns options as a host without types would write them. */
function given(options: Record<string, unknown>): WebhooksOptions {
  return { sources: [dbt], inbox: memoryInbox(), dispatch: 'manual', ...options } as unknown as WebhooksOptions;
}
function dbtWith(options: Record<string, unknown>): WebhooksOptions {
  return given({ sources: [dbtCloud({ name: 'dbt', secrets, ...options })] });
}
function paradimeWith(options: Record<string, unknown>): WebhooksOptions {
  return given({ sources: [paradime({ name: 'bolt', ...options } as never)] });
}

const REFUSED: [title: string, options: WebhooksOptions, names: RegExp][] = [
  [
    'a secret that is not set',
    dbtWith({ secrets: [undefined] }),
    /dbtCloud\(\{ name: 'dbt' \}\)\.secrets\[0\]: expected a string, got undefined.*environment variable/,
  ],
  [
    'a second secret that is not set',
    dbtWith({ secrets: ['a secret', undefined] }),
    /secrets\[1\]: expected a string, got undefined/,
  ],
  ['a secret that can be guessed', dbtWith({ secrets: ['sesame'] }), /secrets\[0\]: expected at least 8 bytes, got 6/],
  [
    'an empty secret',
    dbtWith({ secrets: [''] }),
    /dbtCloud\(\{ name: 'dbt' \}\)\.secrets\[0\]: expected the secret, got an empty string/,
  ],
  ['a secret of spaces', dbtWith({ secrets: [' \n'] }), /secrets\[0\]: expected the secret, got an empty string/],
  ['a secret that is null', dbtWith({ secrets: [null] }), /secrets\[0\]: expected a string, got null/],
  ['no secrets', dbtWith({ secrets: [] }), /dbtCloud\(\{ name: 'dbt' \}\)\.secrets: expected 1 to 16 secrets, got 0/],
  [
    'secrets left out',
    dbtWith({ secrets: undefined }),
    /\.secrets: expected an array with at least one secret, got undefined/,
  ],
  [
    'a secret in place of the list',
    dbtWith({ secrets: 'sesame' }),
    /\.secrets: expected an array with at least one secret, got a string/,
  ],
  [
    'a bad header name',
    dbtWith({ signatureHeader: 'x y' }),
    /\.signatureHeader: expected the name of a request header/,
  ],
  [
    'Paradime: a secret that is not set',
    paradimeWith({ secrets: [undefined] }),
    /paradime\(\{ name: 'bolt' \}\)\.secrets\[0\]/,
  ],
  [
    'Paradime: a secret without a key',
    paradimeWith({ secrets: ['whsec_'] }),
    /paradime\(\{ name: 'bolt' \}\)\.secrets\[0\]/,
  ],
  [
    'Paradime: no secrets',
    paradimeWith({}),
    /paradime\(\{ name: 'bolt' \}\)\.secrets: expected an array with at least one secret, got undefined/,
  ],
  [
    'Paradime: a token that is not set',
    paradimeWith({ scheme: 'static-token', header: 'x', tokens: [undefined] }),
    /\.tokens\[0\]/,
  ],
  ['Paradime: a misspelled scheme', paradimeWith({ scheme: 'unsigned' }), /\.scheme: .*'unsigned-insecure'/],
  ['no sources', given({ sources: [] }), /^sources: expected at least one source, got none/],
  ['omitted sources', given({ sources: undefined }), /^sources: expected an array, got undefined/],
  ['a source instead of an array', given({ sources: dbt }), /^sources: expected an array, got an object/],
  [
    'a source that is undefined',
    given({ sources: [dbt, undefined] }),
    /^sources\[1\]: expected a source, .*, got undefined/,
  ],
  [
    'a source that no provider function created',
    given({ sources: [{ name: 'dbt', secrets }] }),
    /^sources\[0\]: expected a source, .*dbtCloud.*, got an object/,
  ],
  ['no name', dbtWith({ name: undefined }), /sources\[0\]\.name: expected .*, got undefined/],
  ['an empty name', dbtWith({ name: '' }), /sources\[0\]\.name: expected .*, got ""/],
  [
    'a name in upper case',
    dbtWith({ name: 'Dbt' }),
    /sources\[0\]\.name: expected 1 to 64 lower-case letters, .*, got "Dbt"/,
  ],
  ['a name with a slash', dbtWith({ name: 'a/b' }), /sources\[0\]\.name/],
  ['a name of 65 characters', dbtWith({ name: 'x'.repeat(65) }), /sources\[0\]\.name/],
  ['a name that is a number', dbtWith({ name: 7 }), /sources\[0\]\.name: expected .*, got 7/],
  [
    'two sources with one name',
    given({ sources: [dbt, dbtCloud({ name: 'dbt', path: '/x', secrets })] }),
    /sources\[1\]\.name: expected a unique name, got "dbt"/,
  ],
  [
    'two sources with one path',
    given({ sources: [dbt, dbtCloud({ name: 'b', path: DBT, secrets })] }),
    /sources\[1\]\.path: expected a unique path, got "\/webhooks\/dbt" of source "dbt"/,
  ],
  [
    'one path twice',
    dbtWith({ path: ['/a', '/a'] }),
    /sources\[0\]\.path: expected a unique path, got "\/a" of source "dbt"/,
  ],
  ...[
    '',
    '/',
    'webhooks',
    'https://a.example/x',
    '/a/',
    '//a',
    '/a//b',
    '/:id',
    '/a/*',
    '/{a}',
    '/a?b',
    '/a#b',
    '/%61',
    '/a b',
    '/é',
    '/a/../b',
    '/.',
    7,
    null,
  ].map((path): [string, WebhooksOptions, RegExp] => [
    `the path ${JSON.stringify(path)}`,
    dbtWith({ path }),
    /sources\[0\]\.path: expected an absolute path/,
  ]),
  ['an empty list of paths', dbtWith({ path: [] }), /sources\[0\]\.path: expected an absolute path/],
  ...[0, -1, 1.5, Number.NaN, Infinity, '1mb', null].map((bodyBytesMax): [string, WebhooksOptions, RegExp] => [
    `bodyBytesMax ${String(bodyBytesMax)}`,
    dbtWith({ bodyBytesMax }),
    /sources\[0\]\.bodyBytesMax: expected an integer from 1 to \d+, got /,
  ]),
  ...['', 'whsec_c2VjcmV0', null].map((enabled): [string, WebhooksOptions, RegExp] => [
    `enabled ${JSON.stringify(enabled)}`,
    dbtWith({ enabled }),
    /sources\[0\]\.enabled: expected true or false, got (an empty string|a string|null)\. For example Boolean\(/,
  ]),
  ['enabled left undefined, without a secret', dbtWith({ enabled: undefined, secrets: [undefined] }), /secrets\[0\]/],
  [
    'a disabled source under the name of another',
    given({ sources: [dbt, dbtCloud({ name: 'dbt', path: '/x', secrets: [], enabled: false })] }),
    /sources\[1\]\.name: expected a unique name, got "dbt"/,
  ],
  ['no inbox', given({ inbox: undefined }), /^inbox: expected an inbox such as sqliteInbox\(.*, got undefined/],
  ...(
    [
      ['none', {}, 'an object'],
      ['an option of another kind', { store: {} }, 'an object'],
      ['a path', 'runhooks.db', 'a string'],
      ['not called', memoryInbox, 'the function memoryInbox'],
      ['a promise', Promise.resolve(memoryInbox()), 'a Promise'],
    ] as const
  ).map(([title, inbox, found]): [string, WebhooksOptions, RegExp] => [
    `an inbox that is ${title}`,
    given({ inbox }),
    new RegExp(`^inbox: expected an inbox such as sqliteInbox\\(\\{ path: .* \\}\\), got ${found}`),
  ]),
  ...[false, '', null, 0, dbtCloud].map((source): [string, WebhooksOptions, RegExp] => [
    `a source that is ${String(source).slice(0, 20)}`,
    given({ sources: [dbt, source] }),
    /^sources\[1\]: expected .*, got (false|an empty string|null|a number|the function dbtCloud)\..*set its `enabled`: dbtCloud\(/,
  ]),
  [
    'a dispatch that is not a transport',
    given({ dispatch: { password: 'p' } }),
    /^dispatch: expected 'auto', 'manual' or a dispatch backend .*, got an object/,
  ],
  ['a misspelled dispatch', given({ dispatch: 'none' }), /^dispatch: expected 'auto', 'manual' or .*, got "none"/],
  ['a concurrency of zero', given({ concurrency: 0 }), /^concurrency: expected an integer from 1 to \d+, got 0/],
  [
    'a misspelt retention',
    given({ retention: { finshedMs: 1 } }),
    /^retention\.finshedMs: unknown option \(did you mean "finishedMs"\?\)\. Valid options: finishedMs, deadMs, deduplicationMs$/,
  ],
  [
    'a retention that is a number',
    given({ retention: 5 }),
    /^retention: expected an object with any of .*, got a number/,
  ],
  [
    'a misspelled inbox',
    given({ inbox: undefined, inbx: memoryInbox() }),
    /^inbx: unknown option \(did you mean "inbox"\?\)/,
  ],
  [
    'no options',
    undefined as unknown as WebhooksOptions,
    /^WebhooksModule\.options: expected an object that the factory returns, got undefined\. Write useFactory: \(\) => \(/,
  ],
];

describe('startup errors that name the option', () => {
  it.each(REFUSED)('are thrown for %s', async (_, options, names) => {
    const root: DynamicModule = {
      module: class {},
      imports: [WebhooksModule.forRootAsync({ useFactory: () => options })],
    };
    const [byFactory, byTest] = await Promise.all([
      NestFactory.create(root, new ExpressAdapter(), { logger: false, abortOnError: false }).catch(
        (error: unknown) => error,
      ),
      Test.createTestingModule({ imports: [root] })
        .setLogger(new LogLines())
        .compile()
        .catch((error: unknown) => error),
    ]);
    for (const error of [byFactory, byTest]) {
      expect(error).toBeInstanceOf(ConfigurationError);
      expect((error as ConfigurationError).message).toMatch(names);
      expect((error as ConfigurationError).message).not.toContain(TEST_SECRETS.dbtCloud);
    }
  });

  it.each(REFUSED.slice(0, 1))('are thrown for %s given to forRoot, on both adapters', async (_, options, names) => {
    for (const adapter of ADAPTERS) {
      await expect(startApp(adapter, { webhooks: options })).rejects.toThrow(names);
    }
  });

  it.each([
    // Nest 11 treats an override by undefined as no override.
    ...(isNest12 ? [['nothing', undefined] as const] : []),
    ['a builder that was not called', memoryInbox] as const,
  ])('are thrown for %s instead of the store, and for a factory that returns nothing', async (_, store) => {
    const compile = (options: WebhooksOptions | undefined): Promise<unknown> =>
      Test.createTestingModule({ imports: [WebhooksModule.forRootAsync({ useFactory: () => options as never })] })
        .overrideProvider(WEBHOOKS_STORE)
        .useValue(store)
        .setLogger(new LogLines())
        .compile();
    await expect(compile(given({}))).rejects.toThrow(
      /^WEBHOOKS_STORE: expected .*, got (undefined|the function memoryInbox)\. Write .*useValue\(memoryInbox\(\)\)$/,
    );
    await expect(compile(undefined)).rejects.toThrow(/^WebhooksModule\.options: expected an object .*, got undefined/);
  });

  it("are the factory's own error when a factory fails", async () => {
    const failing = () =>
      WebhooksModule.forRootAsync({ useFactory: () => Promise.reject(new Error('no vault today')) });
    await expect(startApp('express', { imported: failing })).rejects.toThrow('no vault today');
  });

  it('are thrown for an HTTP adapter that is neither Express nor Fastify', async () => {
    class Other extends ExpressAdapter {
      override getType(): string {
        return 'other';
      }
    }
    await expect(startApp('express', { http: new Other() })).rejects.toThrow(
      'expected the HTTP adapter of Express or Fastify, got "other"',
    );
  });
});

/** The error for a class that is listed in `imports` without forRoot. */
const BARE = /^WebhooksModule: .*got the class itself in imports\. Write imports: \[WebhooksModule\.forRoot\(/;

describe('module options in plain JavaScript', () => {
  class Empty {}
  const ROOT = 'Write WebhooksModule.forRoot({ sources:';
  const ASYNC = 'Write WebhooksModule.forRootAsync({ useFactory: () => (';
  const options = given({});

  it.each<[title: string, options: unknown, got: string, write: string]>([
    ['nothing', undefined, 'got undefined', ROOT],
    ['an array', [options], 'got an array', ROOT],
    ['a string', 'runhooks.db', 'got a string', ROOT],
    ['a promise', Promise.resolve(options), 'got a Promise', ASYNC],
    ['a function', () => options, 'got a function', ASYNC],
    ['options of forRootAsync', { useFactory: () => options }, 'got an object with useFactory', ASYNC],
  ])('make forRoot throw for %s', (_, wrong, got, write) => {
    const call = (): unknown => WebhooksModule.forRoot(wrong as never);
    expect(call).toThrow(ConfigurationError);
    expect(call).toThrow(`WebhooksModule.forRoot: expected an object, ${got}. ${write}`);
  });

  it.each<[title: string, options: unknown, message: string]>([
    ['nothing', undefined, `: expected an object, got undefined. ${ASYNC}`],
    ['a function', () => options, `: expected an object, got a function. ${ASYNC}`],
    ['options of forRoot', options, `: expected an object, got an object with sources. ${ASYNC}`],
    ['an empty object', {}, `: expected one of useFactory, useClass, useExisting, got an object with none of them. `],
    ['an undefined factory', { useFactory: undefined }, ': expected one of useFactory, useClass, useExisting, got an '],
    ['two ways', { useFactory: () => options, useClass: Empty }, 'got an object with useFactory and useClass. '],
    ['options as the factory', { useFactory: options }, '.useFactory: expected a function, got an object. '],
    ['a class that is a string', { useClass: 'Config' }, '.useClass: expected a class, got a string. '],
    [
      'inject without an array',
      { useFactory: () => options, inject: Empty },
      '.inject: expected an array, got the fun',
    ],
    ['imports without an array', { useClass: Empty, imports: Empty }, '.imports: expected an array, got the function '],
    [
      'a misspelled option',
      { useFactroy: () => options },
      '.useFactroy: unknown option (did you mean "useFactory"?). Valid options: useFactory, useClass, useExisting, inject, imports, isGlobal',
    ],
  ])('make forRootAsync throw for %s', (_, wrong, message) => {
    const call = (): unknown => WebhooksModule.forRootAsync(wrong as never);
    expect(call).toThrow(ConfigurationError);
    expect(call).toThrow('WebhooksModule.forRootAsync');
    expect(call).toThrow(message);
  });

  it.each<[string, unknown]>([
    ['useClass', { useClass: Empty }],
    ['useExisting', { imports: [{ module: class {}, providers: [Empty], exports: [Empty] }], useExisting: Empty }],
  ])('make forRootAsync throw for a class of %s without the method', async (_, wrong) => {
    const imports = [WebhooksModule.forRootAsync(wrong as never)];
    await expect(Test.createTestingModule({ imports }).setLogger(new LogLines()).compile()).rejects.toThrow(
      'WebhooksModule.forRootAsync: expected a class with the method createWebhooksOptions, got an instance of Empty without it. Write createWebhooksOptions() {',
    );
  });
});

describe.each(ADAPTERS)('invalid imports of WebhooksModule, on %s', (adapter) => {
  const again = () => WebhooksModule.forRoot(given({ sources: [dbtCloud({ name: 'again', secrets })] }));

  it('fail the startup with the fix when it is imported twice', async () => {
    await expect(startApp(adapter, { module: { imports: [again()] } })).rejects.toThrow(
      /WebhooksModule: expected one call of forRoot or forRootAsync, got more than one. List every source in one call/,
    );
  });

  it('fail the startup with the fix when one of two imports is nested', async () => {
    class Inner {}
    class Outer {}
    const imports = [{ module: Outer, imports: [{ module: Inner, imports: [again()] }] }];
    await expect(startApp(adapter, { module: { imports } })).rejects.toThrow(/WebhooksModule: expected one call/);
  });

  it('fail the startup when the class itself is imported', async () => {
    await expect(startApp(adapter, { imported: () => ({ module: WebhooksModule }) })).rejects.toThrow(BARE);
  });

  it('fail the startup when the class is imported beside forRoot, or a provider injects its exports', async () => {
    class Feature {}
    const feature = { module: Feature, imports: [WebhooksModule] };
    await expect(startApp(adapter, { module: { imports: [feature] } })).rejects.toThrow(BARE);
    const reader = { provide: 'reader', useFactory: (inbox: Inbox) => inbox, inject: [Inbox] };
    const imported = () => ({ module: Feature, imports: [WebhooksModule], providers: [reader] });
    await expect(startApp(adapter, { imported })).rejects.toThrow(BARE);
  });

  it('are accepted when several modules share one import', async () => {
    const shared = WebhooksModule.forRoot(given({}));
    class Feature {}
    const httpApp = await startApp(adapter, {
      imported: () => shared,
      module: { imports: [{ module: Feature, imports: [shared] }] },
    });
    expect(await httpApp.send(dbtWebhook())).toMatchObject({ status: 200 });
  });

  const anApp = async () =>
    closeLater(
      await NestFactory.create({ module: class {} }, newAdapter(adapter), { logger: false, abortOnError: false }),
    );

  it('reject the lazy load with the fix and keep the app running', async () => {
    const app = await anApp();
    await app.listen(0, '127.0.0.1');
    const loading = app.get(LazyModuleLoader).load(() => again() as unknown as Promise<DynamicModule>);
    await expect(loading).rejects.toThrow(
      /WebhooksModule: expected an import in a module that the app starts with, got a lazy load/,
    );
    expect((await fetch(await app.getUrl())).status).toBe(404);
  });

  it('reject the lazy load with the fix when a lazy module of the app imports it', async () => {
    const app = await anApp();
    const feature = { module: class Feature {}, imports: [again()] };
    const loading = app.get(LazyModuleLoader).load(() => feature as unknown as Promise<DynamicModule>);
    await expect(loading).rejects.toThrow(/WebhooksModule: .*got a lazy load/);
  });
});
