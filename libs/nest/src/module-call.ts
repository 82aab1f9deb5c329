import { ConfigurationError, kindOf } from 'nestjs-runhooks/core';
import { requireKnownOptions } from 'nestjs-runhooks/internal';
import type { WebhooksModuleExtras, WebhooksOptions } from './webhooks.options.js';

/** Correct imports of the module, for errors. JavaScript allows other calls, most of which the compiler rejects. */
const FOR_ROOT = "WebhooksModule.forRoot({ sources: [dbtCloud({ … })], inbox: sqliteInbox({ path: 'runhooks.db' }) })";
const FOR_ROOT_ASYNC = 'WebhooksModule.forRootAsync({ useFactory: () => ({ sources, inbox }) })';

/** All options. The compiler ensures that none is missing. */
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
  redact: true,
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

/** Throws {@link ConfigurationError} unless the argument of `forRoot` is an object without a factory. */
export function requireRootOptions(options: unknown): void {
  if (!isObject(options)) {
    const isLater = typeof options === 'function' || kindOf(options) === 'a Promise';
    throw misuse('forRoot', kindOf(options), isLater ? FOR_ROOT_ASYNC : FOR_ROOT);
  }
  const factory = FACTORIES.find((name) => name in options);
  if (factory !== undefined) throw misuse('forRoot', `an object with ${factory}`, FOR_ROOT_ASYNC);
}

/** Throws {@link ConfigurationError} unless the argument of `forRootAsync` has one way to create the options. */
export function requireAsyncOptions(options: unknown): void {
  if (!isObject(options)) throw misuse('forRootAsync', kindOf(options), FOR_ROOT_ASYNC);
  const given = FACTORIES.filter((name) => options[name] !== undefined);
  const plain = Object.keys(OPTIONS).find((name) => name in options);
  if (plain !== undefined) throw misuse('forRootAsync', `an object with ${plain}`, FOR_ROOT_ASYNC);
  requireKnownOptions('WebhooksModule.forRootAsync', options, ASYNC_OPTIONS);
  if (given.length !== 1) {
    const got = given.length === 0 ? 'an object with none of them' : `an object with ${given.join(' and ')}`;
    throw misuse('forRootAsync', got, FOR_ROOT_ASYNC, `one of ${FACTORIES.join(', ')}`);
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

/** Returns the options of an instance of `useClass` or `useExisting`. */
export function optionsFrom(factory: unknown): unknown {
  const create = isObject(factory) ? factory['createWebhooksOptions'] : undefined;
  if (typeof create === 'function') return Reflect.apply(create, factory, []);
  const got = isObject(factory) ? `an instance of ${factory.constructor.name}` : kindOf(factory);
  throw misuse(
    'forRootAsync',
    `${got} without it`,
    'createWebhooksOptions() { return { sources, inbox }; }',
    'a class with the method createWebhooksOptions',
  );
}

/** Throws {@link ConfigurationError} unless the options are an object of known options. */
export function requireWebhooksOptions(options: unknown): asserts options is WebhooksOptions {
  if (!isObject(options)) {
    const fix = '({ … }) with parentheses, or a block with return';
    throw misuse('options', kindOf(options), `useFactory: () => ${fix}`, 'an object that the factory returns');
  }
  requireKnownOptions('', options, OPTIONS);
}

/** Returns the error for an import of the class itself, without options. */
export function bareImport(): ConfigurationError {
  return new ConfigurationError(
    'WebhooksModule',
    `expected one import with options, got the class itself in imports. Write imports: [${FOR_ROOT}]. ` +
      'If another module of the app has that import, remove the class here and set isGlobal: true there',
  );
}

function misuse(call: string, got: string, fix: string, expected = 'an object'): ConfigurationError {
  return new ConfigurationError(`WebhooksModule.${call}`, `expected ${expected}, got ${got}. Write ${fix}`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return kindOf(value) === 'an object';
}
