import { ConfigurationError, kindOf, requireKnownOptions } from 'nestjs-runhooks/core';
import type { WebhooksModuleExtras, WebhooksOptions } from './webhooks.options.js';

/** How the module is imported, for errors: the compiler refuses most other calls, JavaScript does not. */
const FOR_ROOT = "WebhooksModule.forRoot({ sources: [dbtCloud({ … })], inbox: sqliteInbox({ path: 'runhooks.db' }) })";
const FOR_ROOT_ASYNC = 'WebhooksModule.forRootAsync({ useFactory: () => ({ sources, inbox }) })';

/** Every option there is; the compiler sees to it that none is missing. */
const OPTIONS = {
  sources: true,
  inbox: true,
  role: true,
  dispatch: true,
  concurrency: true,
  abortGraceMs: true,
  drainMs: true,
  globalEnhancers: true,
  retention: true,
  logArguments: true,
  clock: true,
} satisfies Record<keyof WebhooksOptions, true>;

const FACTORIES = ['useFactory', 'useClass', 'useExisting'] as const;

const ASYNC_OPTIONS = {
  useFactory: true,
  useClass: true,
  useExisting: true,
  inject: true,
  imports: true,
  isGlobal: true,
} satisfies Record<(typeof FACTORIES)[number] | 'inject' | 'imports' | keyof WebhooksModuleExtras, true>;

/** Throws {@link ConfigurationError} unless `forRoot` was given options as they are. */
export function requireRootOptions(options: unknown): void {
  if (!isObject(options)) {
    const isLater = typeof options === 'function' || kindOf(options) === 'a Promise';
    throw misuse('forRoot', kindOf(options), isLater ? FOR_ROOT_ASYNC : FOR_ROOT);
  }
  const factory = FACTORIES.find((name) => name in options);
  if (factory !== undefined) throw misuse('forRoot', `an object with ${factory}`, FOR_ROOT_ASYNC);
}

/** Throws {@link ConfigurationError} unless `forRootAsync` was given one way to make the options. */
export function requireAsyncOptions(options: unknown): void {
  if (!isObject(options)) throw misuse('forRootAsync', kindOf(options), FOR_ROOT_ASYNC);
  const given = FACTORIES.filter((name) => options[name] !== undefined);
  const plain = Object.keys(OPTIONS).find((name) => name in options);
  if (plain !== undefined) throw misuse('forRootAsync', `an object with ${plain}`, FOR_ROOT_ASYNC);
  requireKnownOptions('WebhooksModule.forRootAsync', options, ASYNC_OPTIONS);
  if (given.length !== 1) {
    const found = given.length === 0 ? 'an object with none of them' : `an object with ${given.join(' and ')}`;
    throw misuse('forRootAsync', found, FOR_ROOT_ASYNC, `one of ${FACTORIES.join(', ')}`);
  }
  const { useFactory, useClass, inject, imports } = options;
  if (useFactory !== undefined && typeof useFactory !== 'function') {
    throw misuse('forRootAsync.useFactory', kindOf(useFactory), FOR_ROOT_ASYNC, 'a function');
  }
  if (useClass !== undefined && typeof useClass !== 'function') {
    throw misuse('forRootAsync.useClass', kindOf(useClass), 'useClass: WebhooksConfig', 'a class');
  }
  for (const [name, list] of Object.entries({ inject, imports })) {
    if (list === undefined || Array.isArray(list)) continue;
    throw misuse(`forRootAsync.${name}`, kindOf(list), `${name}: [ConfigService]`, 'an array');
  }
}

/** Asks an instance of `useClass` or `useExisting` for the options. */
export function optionsFrom(made: unknown): unknown {
  const create = isObject(made) ? made['createWebhooksOptions'] : undefined;
  if (typeof create === 'function') return Reflect.apply(create, made, []);
  const found = isObject(made) ? `an instance of ${made.constructor.name}` : kindOf(made);
  throw misuse(
    'forRootAsync',
    `${found} without it`,
    'createWebhooksOptions() { return { sources, inbox }; }',
    'a class with the method createWebhooksOptions',
  );
}

/** Throws {@link ConfigurationError} unless the options are an object of known names. */
export function requireWebhooksOptions(options: unknown): asserts options is WebhooksOptions {
  if (!isObject(options)) {
    const fix = '({ … }) with parentheses, or a block with return';
    throw misuse('options', kindOf(options), `useFactory: () => ${fix}`, 'an object that the factory returns');
  }
  requireKnownOptions('', options, OPTIONS);
}

/** The class itself in `imports`, without options. */
export function bareImport(): ConfigurationError {
  return new ConfigurationError(
    'WebhooksModule',
    `expected it to be imported once, with options, got the class itself in imports. Write imports: [${FOR_ROOT}]; ` +
      'if a module of the app does that already, remove the class here and set isGlobal: true there',
  );
}

function misuse(call: string, found: string, fix: string, expected = 'an object'): ConfigurationError {
  return new ConfigurationError(`WebhooksModule.${call}`, `expected ${expected}, got ${found}. Write ${fix}`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return kindOf(value) === 'an object';
}
