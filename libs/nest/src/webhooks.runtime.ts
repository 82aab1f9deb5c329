import { Inject, Injectable } from '@nestjs/common';
import {
  ConfigurationError,
  DEFAULT_RETENTION,
  Engine,
  kindOf,
  LIMITS,
  requireKnownOptions,
  requireOneCopy,
  requireWhole,
  type Logger,
  type RetentionOptions,
  type Store,
  type StoreFactory,
  type DispatchTransport,
  type DispatchTransportFactory,
} from 'nestjs-runhooks/core';
import { EventEmitterBridge } from './event-emitter.bridge.js';
import { requireWebhooksOptions } from './module-call.js';
import { runhooksLogger } from './runhooks-logger.js';
import type { WebhooksOptions } from './webhooks.options.js';
import { WEBHOOKS_OPTIONS, WEBHOOKS_STORE } from './webhooks.tokens.js';

/** The engine of one app. Throws `ConfigurationError`, naming the option, if it cannot be safe. */
@Injectable()
export class WebhooksRuntime extends Engine {
  readonly logger: Logger;
  /** False once shutdown began: new webhooks are answered 503. */
  accepting = true;
  /** What brings due deliveries here; nothing where they are claimed from the inbox. */
  readonly transport: DispatchTransport | undefined;

  constructor(
    @Inject(WEBHOOKS_OPTIONS) readonly options: WebhooksOptions,
    @Inject(WEBHOOKS_STORE) given: Store | StoreFactory,
    @Inject(EventEmitterBridge) emitter: EventEmitterBridge,
  ) {
    requireOneCopy();
    requireWebhooksOptions(options);
    const logger = runhooksLogger(options);
    const store = storeOf(given, logger);
    checkOptions(options);
    const transport = options.role === 'receiver' ? undefined : createTransport(options, logger);
    super({
      ...options,
      store,
      logger,
      ...(transport && { transport }),
      ...(emitter.isConnected && { onRecorded: (event) => emitter.emit(event, logger) }),
    });
    this.logger = logger;
    this.transport = transport;
  }
}

function checkOptions(options: WebhooksOptions): void {
  const {
    role = 'both',
    dispatch = 'auto',
    concurrency,
    abortGraceMs,
    drainMs,
    globalEnhancers = false,
    retention = {},
    logArguments,
  } = options;
  if (role !== 'both' && role !== 'receiver' && role !== 'worker') {
    throw new ConfigurationError('role', `found ${JSON.stringify(role)}; expected 'receiver', 'worker' or 'both'`);
  }
  if (dispatch !== 'auto' && dispatch !== 'manual' && !isDispatchTransportFactory(dispatch)) {
    const expected = "expected 'auto' or 'manual', or a transport, for example bullmq({ connection })";
    throw new ConfigurationError('dispatch', `found ${describe(dispatch)}; ${expected}`);
  }
  if (typeof globalEnhancers !== 'boolean') {
    throw new ConfigurationError('globalEnhancers', `found ${typeof globalEnhancers}; expected true or false`);
  }
  if (logArguments !== undefined && typeof logArguments !== 'function') {
    throw new ConfigurationError('logArguments', `expected a function, got ${describe(logArguments)}`);
  }
  const times = { abortGraceMs, drainMs };
  for (const [option, value] of Object.entries(times)) {
    if (value !== undefined) requireWhole(option, value, 0, LIMITS.timerMsMax);
  }
  if (concurrency !== undefined) requireWhole('concurrency', concurrency, 1, Number.MAX_SAFE_INTEGER);
  checkRetention(retention);
}

function checkRetention(retention: RetentionOptions): void {
  requireKnownOptions('retention', retention, DEFAULT_RETENTION);
  for (const [option, value] of Object.entries(retention)) {
    requireWhole(`retention.${option}`, value as number, 0, Number.MAX_SAFE_INTEGER);
  }
}

function isDispatchTransportFactory(dispatch: unknown): dispatch is DispatchTransportFactory {
  return typeof dispatch === 'object' && dispatch !== null && 'createTransport' in dispatch;
}

/** A word that may be misspelt is shown; an object may hold a password. */
function describe(found: unknown): string {
  return typeof found === 'string' ? JSON.stringify(found) : kindOf(found);
}

function createTransport({ dispatch }: WebhooksOptions, logger: Logger): DispatchTransport | undefined {
  return isDispatchTransportFactory(dispatch) ? dispatch.createTransport(logger) : undefined;
}

/** Makes the store of the configured inbox; nothing is opened before the app initialises. */
export function createStore(options: WebhooksOptions): Store {
  const inbox: unknown = options.inbox;
  if (typeof inbox !== 'object' || inbox === null || !('createStore' in inbox)) {
    const found = inbox === undefined ? 'none' : kindOf(inbox);
    throw new ConfigurationError(
      'inbox',
      `found ${found}; expected a store, for example sqliteInbox({ path: 'runhooks.db' })`,
    );
  }
  return options.inbox.createStore(runhooksLogger(options));
}

/** A test may have put a store in place of the configured one, or what makes one, such as `memoryInbox()`. */
function storeOf(given: unknown, logger: Logger): Store {
  if (typeof given === 'object' && given !== null) {
    if ('createStore' in given) return (given as StoreFactory).createStore(logger);
    if ('open' in given && 'append' in given) return given as Store;
  }
  throw new ConfigurationError(
    'WEBHOOKS_STORE',
    `found ${kindOf(given)}; expected a store or what makes one: overrideProvider(WEBHOOKS_STORE).useValue(memoryInbox())`,
  );
}
