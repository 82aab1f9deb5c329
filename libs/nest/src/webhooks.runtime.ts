import { Inject, Injectable } from '@nestjs/common';
import {
  ConfigurationError,
  type Logger,
  type Store,
  type StoreFactory,
  type DispatchTransport,
  type DispatchTransportFactory,
  kindOf,
  requireInteger,
} from 'nestjs-runhooks/core';
import {
  DEFAULT_RETENTION,
  Engine,
  LIMITS,
  requireKnownOptions,
  requireOneCopy,
  type RetentionOptions,
} from 'nestjs-runhooks/internal';
import { EventEmitterBridge } from './event-emitter.bridge.js';
import { requireWebhooksOptions } from './module-call.js';
import { runhooksLogger } from './runhooks-logger.js';
import type { WebhooksOptions } from './webhooks.options.js';
import { WEBHOOKS_OPTIONS, WEBHOOKS_STORE } from './webhooks.tokens.js';

/** The engine of one app. Its constructor throws `ConfigurationError` if an option is wrong. */
@Injectable()
export class WebhooksRuntime extends Engine {
  readonly logger: Logger;
  /** `false` after shutdown has begun; the routes then respond with 503. */
  accepting = true;
  /** The dispatch backend; `undefined` if this process claims deliveries from the inbox or runs none. */
  readonly transport: DispatchTransport | undefined;

  constructor(
    @Inject(WEBHOOKS_OPTIONS) readonly options: WebhooksOptions,
    @Inject(WEBHOOKS_STORE) storeOrFactory: Store | StoreFactory,
    emitter: EventEmitterBridge,
  ) {
    requireOneCopy();
    requireWebhooksOptions(options);
    const logger = runhooksLogger(options);
    const store = storeOf(storeOrFactory, logger);
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
    redact,
    logArguments,
  } = options;
  if (role !== 'both' && role !== 'receiver' && role !== 'worker') {
    throw new ConfigurationError('role', `expected 'receiver', 'worker' or 'both', got ${describe(role)}`);
  }
  if (dispatch !== 'auto' && dispatch !== 'manual' && !isDispatchTransportFactory(dispatch)) {
    const expected = "expected 'auto', 'manual' or a dispatch backend such as bullmq({ connection })";
    throw new ConfigurationError('dispatch', `${expected}, got ${describe(dispatch)}`);
  }
  if (typeof globalEnhancers !== 'boolean') {
    throw new ConfigurationError('globalEnhancers', `expected true or false, got ${kindOf(globalEnhancers)}`);
  }
  for (const [option, value] of Object.entries({ redact, logArguments })) {
    if (value === undefined || typeof value === 'function') continue;
    throw new ConfigurationError(option, `expected a function, got ${describe(value)}`);
  }
  const times = { abortGraceMs, drainMs };
  for (const [option, value] of Object.entries(times)) {
    if (value !== undefined) requireInteger(option, value, 0, LIMITS.timerMsMax);
  }
  if (concurrency !== undefined) requireInteger('concurrency', concurrency, 1, Number.MAX_SAFE_INTEGER);
  checkRetention(retention);
}

function checkRetention(retention: RetentionOptions): void {
  requireKnownOptions('retention', retention, DEFAULT_RETENTION);
  for (const [option, value] of Object.entries(retention)) {
    requireInteger(`retention.${option}`, value as number, 0, Number.MAX_SAFE_INTEGER);
  }
}

function isDispatchTransportFactory(dispatch: unknown): dispatch is DispatchTransportFactory {
  return typeof dispatch === 'object' && dispatch !== null && 'createTransport' in dispatch;
}

/** Shows a string, which may be misspelled, but not an object, which may hold a password. */
function describe(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : kindOf(value);
}

function createTransport({ dispatch }: WebhooksOptions, logger: Logger): DispatchTransport | undefined {
  return isDispatchTransportFactory(dispatch) ? dispatch.createTransport(logger) : undefined;
}

/** Creates the store of the configured inbox. The app opens it at startup. */
export function createStore(options: WebhooksOptions): Store {
  const inbox: unknown = options.inbox;
  if (typeof inbox !== 'object' || inbox === null || !('createStore' in inbox)) {
    throw new ConfigurationError(
      'inbox',
      `expected an inbox such as sqliteInbox({ path: 'runhooks.db' }), got ${kindOf(inbox)}`,
    );
  }
  return options.inbox.createStore(runhooksLogger(options));
}

/** Returns the store. A test may have replaced the configured one with another, or with a factory such as `memoryInbox()`. */
function storeOf(value: unknown, logger: Logger): Store {
  if (typeof value === 'object' && value !== null) {
    if ('createStore' in value) return (value as StoreFactory).createStore(logger);
    if ('open' in value && 'append' in value) return value as Store;
  }
  throw new ConfigurationError(
    'WEBHOOKS_STORE',
    `expected a store or a factory of one, got ${kindOf(value)}. Write overrideProvider(WEBHOOKS_STORE).useValue(memoryInbox())`,
  );
}
